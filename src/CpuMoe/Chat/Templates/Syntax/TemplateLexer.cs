namespace CpuMoe.Chat.Templates;

/// <summary>Cuts a template into text and tags, and trims the white space around tags.</summary>
/// <remarks>
/// Trimming is that of transformers: a line feed directly after a statement or comment is dropped (<c>trim_blocks</c>),
/// as are the blanks before one that begins its line (<c>lstrip_blocks</c>); <c>-</c> at either end of a tag drops all
/// white space there, <c>+</c> keeps it.
/// </remarks>
internal sealed class TemplateLexer
{
    private readonly SourceText _source;
    private readonly string _text;
    private readonly List<Lexeme> _lexemes = [];
    private readonly ExpressionLexer _expressions;
    private int _at;

    private TemplateLexer(SourceText source)
    {
        _source = source;
        _text = source.Text;
        _expressions = new ExpressionLexer(source, _lexemes);
    }

    /// <summary>The lexemes of a template; the last is <see cref="LexemeKind.End"/>.</summary>
    /// <exception cref="ChatTemplateException">A tag or a string does not end, or a character has no meaning.</exception>
    public static List<Lexeme> Read(string source)
    {
        TemplateLexer lexer = new(new SourceText(source));
        lexer.Read();
        return lexer._lexemes;
    }

    private void Read()
    {
        while (_at < _text.Length)
        {
            int tag = FindTag(_at);
            if (tag < 0)
            {
                AddText(_at, _text.Length);
                _at = _text.Length;
                break;
            }

            AddText(_at, EndOfTextBefore(tag));
            ReadTag(tag);
        }

        _lexemes.Add(new Lexeme(LexemeKind.End, "", _source.PositionOf(_text.Length)));
    }

    private int FindTag(int from)
    {
        for (int at = from; ; at++)
        {
            at = _text.IndexOf('{', at);
            if (at < 0 || at + 1 == _text.Length)
            {
                return -1;
            }

            if (_text[at + 1] is '{' or '%' or '#')
            {
                return at;
            }
        }
    }

    /// <summary>Where the text before a tag ends once it is trimmed.</summary>
    private int EndOfTextBefore(int tag)
    {
        char sign = SignAt(tag + 2);
        int end = tag;
        if (sign == '-')
        {
            while (end > _at && PythonText.IsSpace(_text[end - 1]))
            {
                end--;
            }
        }
        else if (sign != '+' && _text[tag + 1] != '{')
        {
            while (end > _at && PythonText.IsSpace(_text[end - 1]) && _text[end - 1] != '\n')
            {
                end--;
            }

            bool beginsLine = end == 0 || _text[end - 1] == '\n';
            end = beginsLine ? end : tag;
        }

        return end;
    }

    private void ReadTag(int tag)
    {
        char kind = _text[tag + 1];
        _at = tag + 2;
        _at += SignAt(_at) == '\0' ? 0 : 1;
        if (kind == '#')
        {
            int end = _text.IndexOf("#}", _at, StringComparison.Ordinal);
            if (end < 0)
            {
                throw _source.Fault(tag, "the comment does not end; '#}' is missing");
            }

            _at = AfterEnd(end > _at && SignAt(end - 1) != '\0' ? end - 1 : end, trims: true);
        }
        else if (kind == '%' && TryReadRaw(tag))
        {
            return;
        }
        else
        {
            bool isStatement = kind == '%';
            _lexemes.Add(new Lexeme(isStatement ? LexemeKind.StatementBegin : LexemeKind.OutputBegin, "", _source.PositionOf(tag)));
            int end = _expressions.Read(_at, tag, isStatement);
            _lexemes.Add(new Lexeme(isStatement ? LexemeKind.StatementEnd : LexemeKind.OutputEnd, "", _source.PositionOf(end)));
            _at = AfterEnd(end, trims: isStatement);
        }
    }

    /// <summary>Reads <c>{% raw %} … {% endraw %}</c>.</summary>
    private bool TryReadRaw(int tag)
    {
        int end = EndOfKeyword(_at, "raw");
        if (end < 0)
        {
            return false;
        }

        _at = AfterEnd(end, trims: false);
        for (int close = _at; ; close++)
        {
            close = _text.IndexOf("{%", close, StringComparison.Ordinal);
            if (close < 0)
            {
                throw _source.Fault(tag, "'raw' does not end; '{% endraw %}' is missing");
            }

            int name = close + 2 + (SignAt(close + 2) == '\0' ? 0 : 1);
            int closeEnd = EndOfKeyword(name, "endraw");
            if (closeEnd >= 0)
            {
                AddText(_at, EndOfTextBefore(close));
                _at = AfterEnd(closeEnd, trims: true);
                return true;
            }
        }
    }

    /// <summary>Where the end of a tag that holds only a keyword begins, or -1.</summary>
    private int EndOfKeyword(int at, string keyword)
    {
        at = SkipSpace(at);
        if (!_text.AsSpan(at).StartsWith(keyword, StringComparison.Ordinal))
        {
            return -1;
        }

        at = SkipSpace(at + keyword.Length);
        int end = SignAt(at) == '\0' ? at : at + 1;
        return _text.AsSpan(end).StartsWith("%}", StringComparison.Ordinal) ? at : -1;
    }

    private int SkipSpace(int at)
    {
        while (at < _text.Length && PythonText.IsSpace(_text[at]))
        {
            at++;
        }

        return at;
    }

    /// <summary>Where text goes on after the end of a tag.</summary>
    private int AfterEnd(int at, bool trims)
    {
        char sign = SignAt(at);
        int next = at + (sign == '\0' ? 2 : 3);
        return sign == '-' ? SkipSpace(next)
            : trims && sign == '\0' && next < _text.Length && _text[next] == '\n' ? next + 1
            : next;
    }

    private char SignAt(int at) => at < _text.Length && _text[at] is '-' or '+' ? _text[at] : '\0';

    private void AddText(int start, int end)
    {
        if (end > start)
        {
            _lexemes.Add(new Lexeme(LexemeKind.Text, _text[start..end], _source.PositionOf(start)));
        }
    }
}
