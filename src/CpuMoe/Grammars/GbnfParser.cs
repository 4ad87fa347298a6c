namespace CpuMoe.Grammars;

/// <summary>Reads grammars in GBNF, the format of llama.cpp (https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md).</summary>
/// <remarks>
/// Rules <c>name ::= …</c> of literals, character classes, <c>.</c>, names, groups, alternatives, repetitions and special
/// tokens as <c>&lt;name&gt;</c>. A rule ends at the end of its line, but goes on within a group, after <c>::=</c> and
/// <c>|</c>, and where the next line begins with <c>|</c>.
/// </remarks>
internal sealed class GbnfParser
{
    private readonly SourceText _source;
    private readonly GrammarRules _rules = new();
    private readonly Dictionary<string, RuleExpression> _names = new(StringComparer.Ordinal);
    private readonly HashSet<string> _defined = new(StringComparer.Ordinal);
    private readonly List<(string Name, GrammarException Fault)> _uses = [];
    private int _depth;

    private GbnfParser(string text) => _source = new SourceText(text.ReplaceLineEndings("\n"), hasLines: true);

    /// <summary>Reads a grammar.</summary>
    /// <exception cref="GrammarException">Says where the text is malformed and why.</exception>
    public static Grammar Parse(string text) => new GbnfParser(text).Parse();

    private Grammar Parse()
    {
        SkipSpace(acrossLines: true);
        while (!_source.IsAtEnd)
        {
            ParseRule();
            SkipSpace(acrossLines: true);
        }

        foreach ((string name, GrammarException fault) in _uses)
        {
            if (!_defined.Contains(name))
            {
                throw fault;
            }
        }

        return _defined.Contains("root")
            ? new Grammar(_rules, _names["root"])
            : throw new GrammarException("The grammar has no rule 'root', which stands for the whole text.");
    }

    private void ParseRule()
    {
        string name = ReadName();
        if (name.Length == 0)
        {
            throw _source.Fault("the name of a rule is expected");
        }

        if (!_defined.Add(name))
        {
            throw _source.Fault($"the rule '{name}' is defined twice");
        }

        SkipSpace(acrossLines: false);
        _source.Expect("::=", $"after the name '{name}' at the beginning of a rule");
        SkipSpace(acrossLines: true);
        _rules.Define(RuleOf(name), ParseChoice(isNested: false));
        if (!_source.IsAtEnd && _source.Next != '\n')
        {
            throw _source.Fault($"'{_source.Next}' does not belong here");
        }
    }

    private Expression ParseChoice(bool isNested)
    {
        List<Expression> choices = [ParseSequence(isNested)];
        while (_source.Skip("|"))
        {
            SkipSpace(acrossLines: true);
            choices.Add(ParseSequence(isNested));
        }

        return Expression.Choice(choices);
    }

    private Expression ParseSequence(bool isNested)
    {
        List<Expression> items = [];
        while (ParseItem() is { } item)
        {
            SkipSpace(isNested);
            items.Add(ParseRepetition(item, isNested));
        }

        if (!isNested)
        {
            SkipToAlternative();
        }

        return Expression.Sequence(items);
    }

    private Expression ParseRepetition(Expression item, bool isNested)
    {
        while (true)
        {
            (int Min, int Max)? bounds =
                _source.Skip("*") ? (0, RepeatExpression.Unlimited)
                : _source.Skip("+") ? (1, RepeatExpression.Unlimited)
                : _source.Skip("?") ? (0, 1)
                : _source.Skip("{") ? _source.ReadBounds()
                : null;
            if (bounds is null)
            {
                return item;
            }

            item = Expression.Repeat(item, bounds.Value.Min, bounds.Value.Max);
            SkipSpace(isNested);
        }
    }

    private Expression? ParseItem()
    {
        switch (_source.Next)
        {
            case '"':
                _source.Skip("\"");
                return ParseLiteral();
            case '[':
                _source.Skip("[");
                return ParseClass();
            case '.':
                _source.Skip(".");
                return Utf8.AnyCharacter;
            case '(':
                _source.Skip("(");
                return ParseGroup();
            case '<':
                _source.Skip("<");
                string token = _source.ReadTo(">", "after the name of a token");
                return token.Length > 0 && token[0] is not ('[' or '\n')
                    ? new SpecialTokenExpression($"<{token}>")
                    : throw _source.Fault("a token must be named by its text, like <think>");
            default:
                string name = ReadName();
                if (name.Length == 0)
                {
                    return null;
                }

                _uses.Add((name, _source.Fault($"the rule '{name}' is not defined")));
                return RuleOf(name);
        }
    }

    private Expression ParseGroup()
    {
        if (++_depth > SourceText.MaxDepth)
        {
            throw _source.Fault($"groups are nested more than {SourceText.MaxDepth} deep");
        }

        SkipSpace(acrossLines: true);
        Expression choice = ParseChoice(isNested: true);
        _source.Expect(")", "at the end of a group");
        _depth--;
        return choice;
    }

    private Expression ParseLiteral()
    {
        var text = new System.Text.StringBuilder();
        while (!_source.Skip("\""))
        {
            text.Append(new System.Text.Rune(ReadCharacter("a literal")));
        }

        return Expression.Literal(text.ToString());
    }

    private Expression ParseClass()
    {
        bool isNegated = _source.Skip("^");
        List<(int, int)> ranges = [];
        while (!_source.Skip("]"))
        {
            int first = ReadCharacter("a character class");
            int last = first;
            if (_source.Next == '-' && !_source.StartsWith("-]"))
            {
                _source.Skip("-");
                last = ReadCharacter("a character class");
            }

            ranges.Add(first <= last ? (first, last) : throw _source.Fault("the ends of a range are the wrong way round"));
        }

        CodePointSet set = CodePointSet.Of(ranges);
        return Utf8.OneOf(isNegated ? set.Complement() : set);
    }

    private int ReadCharacter(string where)
    {
        if (_source.IsAtEnd || _source.Next == '\n')
        {
            throw _source.Fault($"the line ends within {where}");
        }

        if (!_source.Skip("\\"))
        {
            return _source.Read();
        }

        return _source.Next switch
        {
            'x' => Skipped(() => _source.ReadHexadecimal(2)),
            'u' => Skipped(() => _source.ReadHexadecimal(4)),
            'U' => Skipped(() => _source.ReadHexadecimal(8)),
            't' => Skipped(() => '\t'),
            'r' => Skipped(() => '\r'),
            'n' => Skipped(() => '\n'),
            '\\' or '"' or '[' or ']' or '-' or '^' => _source.Read(),
            _ => throw _source.Fault($"'\\{_source.Next}' is not a known escape; use \\n \\r \\t \\\\ \\\" \\[ \\] \\xHH \\uHHHH or \\UHHHHHHHH"),
        };

        int Skipped(Func<int> read)
        {
            _source.Read();
            return read();
        }
    }

    private RuleExpression RuleOf(string name)
    {
        if (!_names.TryGetValue(name, out RuleExpression? rule))
        {
            _names.Add(name, rule = _rules.Declare(name));
        }

        return rule;
    }

    private string ReadName() => _source.ReadWhile(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    private void SkipSpace(bool acrossLines)
    {
        while (true)
        {
            _source.ReadWhile(c => c is ' ' or '\t' || (acrossLines && c == '\n'));
            if (_source.Next != '#')
            {
                return;
            }

            _source.ReadWhile(c => c != '\n');
        }
    }

    /// <summary>Goes on in another line if that begins with an alternative.</summary>
    private void SkipToAlternative()
    {
        if (_source.Next == '\n' && _source.IsFollowedBy('|', c => c is ' ' or '\t' or '\n'))
        {
            SkipSpace(acrossLines: true);
        }
    }
}
