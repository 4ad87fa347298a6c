using System.Runtime.InteropServices;
using CpuMoe.Text;

namespace CpuMoe.Grammars.Automata;

/// <summary>Makes the automaton of a grammar for one vocabulary.</summary>
internal sealed class GrammarCompiler
{
    private const int MaxPositions = 1_000_000;

    // A short repetition is written out, which needs no frame for the count; a long one is counted. One of repetitions
    // is written out longer: where the inner ones end is often open, and each possible count would be a stack.
    private const int MaxUnrolled = 64;
    private const int MaxUnrolledNested = 8192;

    private readonly Vocabulary _vocabulary;
    private readonly List<GrammarRule> _rules;
    private readonly NonEmptyExpressions _nonEmpty;
    private readonly List<Position> _positions = [];
    private readonly List<int> _starts = [];
    private readonly List<Loop> _loops = [];
    private readonly Dictionary<ByteSet, int> _sets = [];
    private readonly Dictionary<Expression, int> _sizes = new(ReferenceEqualityComparer.Instance);

    private GrammarCompiler(IReadOnlyList<GrammarRule> rules, Vocabulary vocabulary)
    {
        _rules = [.. rules];
        _vocabulary = vocabulary;
        _nonEmpty = new NonEmptyExpressions(_rules);
    }

    /// <summary>Compiles a grammar.</summary>
    /// <exception cref="GrammarException">The grammar is left-recursive, too large, or matches nothing.</exception>
    public static Automaton Compile(IReadOnlyList<GrammarRule> rules, int root, int maxDepth, Vocabulary vocabulary)
    {
        GrammarCompiler compiler = new(rules, vocabulary);
        for (int rule = 0; rule < compiler._rules.Count; rule++)
        {
            // Rules that a repetition needs join the list on the way.
            compiler._nonEmpty.DefineVariants();
            compiler.SetStart(rule, compiler.BuildRule(compiler._rules[rule].Body));
        }

        ByteSet[] sets = [.. compiler._sets.OrderBy(set => set.Value).Select(set => set.Key)];
        Automaton automaton = new(
            [.. compiler._positions], [.. compiler._starts], sets, [.. compiler._loops], [.. compiler._rules.Select(rule => rule.Name)], root, maxDepth);
        return automaton.Heights[automaton.Starts[root]] < maxDepth
            ? automaton
            : throw new GrammarException(
                $"No text of at most {maxDepth} nested rules matches: a rule needs itself without a way out, or an alternative is missing.", $"rule {rules[root].Name}");
    }

    private void SetStart(int rule, int start)
    {
        CollectionsMarshal.SetCount(_starts, Math.Max(_starts.Count, rule + 1));
        _starts[rule] = start;
    }

    private int BuildRule(Expression body) => Build(body, Add(new Position(EdgeKind.Final)));

    private int Add(Position position)
    {
        if (_positions.Count == MaxPositions)
        {
            throw new GrammarException($"The grammar has more than {MaxPositions} positions. Make it smaller.");
        }

        _positions.Add(position);
        return _positions.Count - 1;
    }

    /// <summary>Builds an expression in front of the position <paramref name="next"/>; returns where it begins.</summary>
    private int Build(Expression expression, int next)
    {
        switch (expression)
        {
            case LiteralExpression literal:
                return BuildBytes(literal.Bytes, next);
            case ByteExpression one:
                return Add(new Position(EdgeKind.Bytes, SetOf(one.Set), next));
            case SpecialTokenExpression special:
                int id = _vocabulary.Find(special.Text);
                return id >= 0 && _vocabulary.KindOf(id) is (TokenKind.Control or TokenKind.UserDefined)
                    ? Add(new Position(EdgeKind.Token, id, next))
                    : BuildBytes(System.Text.Encoding.UTF8.GetBytes(special.Text), next);
            case RuleExpression rule:
                return Add(new Position(EdgeKind.Call, rule.Rule, next));
            case SequenceExpression sequence:
                for (int i = sequence.Items.Count - 1; i >= 0; i--)
                {
                    next = Build(sequence.Items[i], next);
                }

                return next;
            case ChoiceExpression choice:
                return BuildChoice(choice, next);
            case RepeatExpression repeat:
                return BuildRepeat(repeat, next);
            default:
                throw new NotSupportedException(expression.GetType().Name);
        }
    }

    private int BuildBytes(byte[] bytes, int next)
    {
        for (int i = bytes.Length - 1; i >= 0; i--)
        {
            next = Add(new Position(EdgeKind.Bytes, SetOf(ByteSet.Range(bytes[i], bytes[i])), next));
        }

        return next;
    }

    private int BuildChoice(ChoiceExpression choice, int next)
    {
        int start = -1;
        for (int i = choice.Items.Count - 1; i >= 0; i--)
        {
            int item = Build(choice.Items[i], next);
            start = start < 0 ? item : Add(new Position(EdgeKind.Free, 0, item, start));
        }

        return start < 0 ? Add(new Position(EdgeKind.Dead)) : start;
    }

    private int BuildRepeat(RepeatExpression repeat, int next)
    {
        // An item that may be empty could be repeated without end and without a byte; counting only the others is the same.
        bool isNullable = _nonEmpty.IsNullable(repeat.Item);
        Expression item = isNullable ? _nonEmpty.Of(repeat.Item) : repeat.Item;
        int min = isNullable ? 0 : repeat.Min;
        bool isUnlimited = repeat.Max == RepeatExpression.Unlimited;
        if (IsCounted(item, min, repeat.Max))
        {
            int rule = _rules.Count;
            _rules.Add(new GrammarRule("repetition", item));
            _loops.Add(new Loop(rule, Math.Max(min, 1), repeat.Max));
            int loop = Add(new Position(EdgeKind.Loop, _loops.Count - 1, next));
            return min > 0 ? loop : Add(new Position(EdgeKind.Free, 0, loop, next));
        }

        int at = next;
        if (isUnlimited)
        {
            at = Add(default);
            int again = Build(item, at);
            _positions[at] = new Position(EdgeKind.Free, 0, again, next);
            if (min > 0)
            {
                // The first time is the last one required.
                at = again;
                min--;
            }
        }
        else
        {
            for (int i = min; i < repeat.Max; i++)
            {
                at = Add(new Position(EdgeKind.Free, 0, Build(item, at), next));
            }
        }

        for (int i = 0; i < min; i++)
        {
            at = Build(item, at);
        }

        return at;
    }

    private int SetOf(ByteSet set)
    {
        if (!_sets.TryGetValue(set, out int index))
        {
            _sets.Add(set, index = _sets.Count);
        }

        return index;
    }

    private bool IsCounted(Expression item, int min, int max)
    {
        int copies = max == RepeatExpression.Unlimited ? min : max;
        return copies > 1 && (long)SizeOf(item) * copies > (HasRepetition(item) ? MaxUnrolledNested : MaxUnrolled);
    }

    private static bool HasRepetition(Expression expression) => expression switch
    {
        SequenceExpression sequence => sequence.Items.Any(HasRepetition),
        ChoiceExpression choice => choice.Items.Any(HasRepetition),
        RepeatExpression => true,
        _ => false,
    };

    /// <summary>How many positions an expression takes about, up to a limit.</summary>
    private int SizeOf(Expression expression)
    {
        if (_sizes.TryGetValue(expression, out int known))
        {
            return known;
        }

        long size = expression switch
        {
            LiteralExpression literal => literal.Bytes.Length,
            SequenceExpression sequence => sequence.Items.Sum(item => (long)SizeOf(item)),
            ChoiceExpression choice => choice.Items.Sum(item => (long)SizeOf(item)),
            RepeatExpression repeat when IsCounted(repeat.Item, repeat.Min, repeat.Max) => 1,
            RepeatExpression { Max: RepeatExpression.Unlimited } repeat => Math.Max(repeat.Min, 1L) * SizeOf(repeat.Item),
            RepeatExpression repeat => (long)repeat.Max * SizeOf(repeat.Item),
            _ => 1,
        };
        return _sizes[expression] = (int)Math.Min(size, MaxUnrolledNested + 1);
    }
}
