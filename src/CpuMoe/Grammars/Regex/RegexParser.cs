namespace CpuMoe.Grammars.Regex;

/// <summary>
/// Reads regular expressions in the syntax that ECMAScript, .NET and others share: characters, classes, groups,
/// alternatives, quantifiers (lazy ones match the same texts), and anchors at the ends.
/// </summary>
internal sealed class RegexParser
{
    private static readonly RegexNode Anything = new RegexRepeat(new RegexCharacter(CodePointSet.All), 0, RepeatExpression.Unlimited);

    private readonly SourceText _source;
    private readonly bool _isSearch;
    private int _depth;

    private RegexParser(string pattern, bool isSearch) => (_source, _isSearch) = (new SourceText(pattern, hasLines: false), isSearch);

    /// <summary>Reads a pattern.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="isSearch">Whether the pattern may match anywhere, so that any text may surround it where it has no anchor.</param>
    /// <exception cref="GrammarException">The pattern is malformed or not supported.</exception>
    public static RegexNode Parse(string pattern, bool isSearch = false)
    {
        RegexParser parser = new(pattern, isSearch);
        RegexNode node = parser.ParseChoice();
        return parser._source.IsAtEnd ? node : throw parser._source.Fault("')' without a group");
    }

    private RegexNode ParseChoice()
    {
        List<RegexNode> choices = [ParseSequence()];
        while (_source.Skip("|"))
        {
            choices.Add(ParseSequence());
        }

        return choices is [RegexNode only] ? only : new RegexChoice(choices);
    }

    private RegexSequence ParseSequence()
    {
        List<RegexNode> items = [];
        bool isOutermost = _depth == 0, endsHere = false;
        if (!(isOutermost && _source.Skip("^")) && isOutermost && _isSearch)
        {
            items.Add(Anything);
        }

        while (!_source.IsAtEnd && _source.Next is not ('|' or ')'))
        {
            if (isOutermost && _source.Skip("$"))
            {
                endsHere = true;
                if (!_source.IsAtEnd && _source.Next != '|')
                {
                    throw _source.Fault("'$' must stand at the end");
                }
            }
            else
            {
                items.Add(ParseQuantifier(ParseAtom()));
            }
        }

        if (isOutermost && _isSearch && !endsHere)
        {
            items.Add(Anything);
        }

        return new RegexSequence(items);
    }

    private RegexNode ParseQuantifier(RegexNode item)
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

        _source.Skip("?"); // Lazy: another match, but the same texts.
        return _source.Next is '*' or '+' or '?' or '{'
            ? throw _source.Fault("two quantifiers in a row are not supported; use a group")
            : new RegexRepeat(item, bounds.Value.Min, bounds.Value.Max);
    }

    private RegexNode ParseAtom()
    {
        switch (_source.Next)
        {
            case '(':
                _source.Skip("(");
                return ParseGroup();
            case '[':
                _source.Skip("[");
                return new RegexCharacter(ParseClass());
            case '.':
                _source.Skip(".");
                return new RegexCharacter(CodePointSet.Of("\n\r\u2028\u2029").Complement());
            case '\\':
                _source.Skip("\\");
                return new RegexCharacter(RegexEscapes.Read(_source));
            case '^' or '$':
                throw _source.Fault($"'{_source.Next}' is supported only at the {(_source.Next == '^' ? "beginning" : "end")} of the pattern or of an outermost alternative");
            case '*' or '+' or '?' or '{':
                throw _source.Fault($"'{_source.Next}' has nothing to repeat");
            default:
                int character = _source.Read();
                return new RegexCharacter(CodePointSet.Of((character, character)));
        }
    }

    private RegexNode ParseGroup()
    {
        if (++_depth > SourceText.MaxDepth)
        {
            throw _source.Fault($"groups are nested more than {SourceText.MaxDepth} deep");
        }

        if (_source.Skip("?"))
        {
            bool isNamed = !_source.StartsWith("<=") && !_source.StartsWith("<!") && (_source.Skip("<") || _source.Skip("P<"));
            if (isNamed)
            {
                _source.ReadTo(">", "after the name of a group");
            }
            else if (!_source.Skip(":"))
            {
                throw _source.Fault("look-around and options are not supported");
            }
        }

        RegexNode node = ParseChoice();
        _source.Expect(")", "at the end of a group");
        _depth--;
        return node;
    }

    private CodePointSet ParseClass()
    {
        bool isNegated = _source.Skip("^");
        CodePointSet set = CodePointSet.None;
        for (bool isFirst = true; isFirst || _source.Next != ']'; isFirst = false)
        {
            if (isFirst && _source.Next == ']')
            {
                break; // As in ECMAScript: nothing, or anything where negated.
            }

            CodePointSet part = ReadClassItem();
            if (_source.Next == '-' && !_source.StartsWith("-]"))
            {
                _source.Skip("-");
                CodePointSet end = ReadClassItem();
                part = part.Ranges is [var first] && end.Ranges is [var last] && first.First == first.Last && last.First == last.Last && first.First <= last.First
                    ? CodePointSet.Of((first.First, last.First))
                    : throw _source.Fault("the ends of a range are not characters, or the wrong way round");
            }

            set = set.Union(part);
        }

        _source.Expect("]", "at the end of a character class");
        return isNegated ? set.Complement() : set;
    }

    private CodePointSet ReadClassItem()
    {
        if (_source.Skip("\\"))
        {
            return _source.Skip("b") ? CodePointSet.Of("\b") : _source.Skip("-") ? CodePointSet.Of("-") : RegexEscapes.Read(_source);
        }

        int character = _source.Read();
        return CodePointSet.Of((character, character));
    }
}
