namespace CpuMoe.Grammars.Automata;

/// <summary>Tells which expressions match the empty text, and makes from them expressions that match the same texts but that one.</summary>
internal sealed class NonEmptyExpressions
{
    private readonly List<GrammarRule> _rules;
    private readonly List<bool> _isNullable;
    private readonly Dictionary<int, RuleExpression> _variants = [];
    private readonly Queue<(int Variant, int Rule)> _undefined = [];

    /// <summary>Looks through all rules; variants of rules are added to <paramref name="rules"/> as they are needed and defined by <see cref="DefineVariants"/>.</summary>
    public NonEmptyExpressions(List<GrammarRule> rules)
    {
        _rules = rules;
        _isNullable = [.. Enumerable.Repeat(false, rules.Count)];
        List<int>[] users = [.. rules.Select(_ => new List<int>())];
        for (int rule = 0; rule < users.Length; rule++)
        {
            AddUses(rules[rule].Body, rule, users);
        }

        Queue<int> work = new(Enumerable.Range(0, rules.Count));
        while (work.TryDequeue(out int rule))
        {
            if (!_isNullable[rule] && IsNullable(rules[rule].Body))
            {
                _isNullable[rule] = true;
                users[rule].ForEach(work.Enqueue);
            }
        }
    }

    /// <summary>Whether the empty text matches.</summary>
    public bool IsNullable(Expression expression) => expression switch
    {
        LiteralExpression literal => literal.Bytes.Length == 0,
        RuleExpression rule => rule.Rule < _isNullable.Count && _isNullable[rule.Rule],
        SequenceExpression sequence => sequence.Items.All(IsNullable),
        ChoiceExpression choice => choice.Items.Any(IsNullable),
        RepeatExpression repeat => repeat.Min == 0 || IsNullable(repeat.Item),
        _ => false,
    };

    /// <summary>An expression for the same texts without the empty one.</summary>
    public Expression Of(Expression expression)
    {
        if (!IsNullable(expression))
        {
            return expression;
        }

        switch (expression)
        {
            case RuleExpression rule:
                return VariantOf(rule);
            case ChoiceExpression choice:
                return Expression.Choice([.. choice.Items.Select(Of)]);
            case RepeatExpression repeat:
                return Expression.Repeat(Of(repeat.Item), 1, repeat.Max);
            case SequenceExpression sequence:
                // One of the items is the first that is not empty; what comes after it may be.
                return Expression.Choice([.. sequence.Items.Select((item, i) => Expression.Sequence([Of(item), .. sequence.Items.Skip(i + 1)]))]);
            default:
                return Expression.Never;
        }
    }

    /// <summary>Defines the variants that were needed so far. Not done at once: a chain of rules may be long.</summary>
    public void DefineVariants()
    {
        while (_undefined.TryDequeue(out (int Variant, int Rule) next))
        {
            _rules[next.Variant] = _rules[next.Variant] with { Body = Of(_rules[next.Rule].Body) };
        }
    }

    private RuleExpression VariantOf(RuleExpression rule)
    {
        if (!_variants.TryGetValue(rule.Rule, out RuleExpression? variant))
        {
            _undefined.Enqueue((_rules.Count, rule.Rule));
            _variants.Add(rule.Rule, variant = new RuleExpression(_rules.Count));
            _rules.Add(_rules[rule.Rule] with { Body = Expression.Never });
        }

        return variant;
    }

    private static void AddUses(Expression expression, int user, List<int>[] users)
    {
        switch (expression)
        {
            case RuleExpression rule:
                users[rule.Rule].Add(user);
                break;
            case SequenceExpression sequence:
                AddAll(sequence.Items);
                break;
            case ChoiceExpression choice:
                AddAll(choice.Items);
                break;
            case RepeatExpression repeat:
                AddUses(repeat.Item, user, users);
                break;
        }

        void AddAll(IReadOnlyList<Expression> items)
        {
            foreach (Expression item in items)
            {
                AddUses(item, user, users);
            }
        }
    }
}
