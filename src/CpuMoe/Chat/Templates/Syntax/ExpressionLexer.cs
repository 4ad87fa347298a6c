using System.Text;

namespace CpuMoe.Chat.Templates;

/// <summary>Cuts what stands inside a tag into names, literals and operators.</summary>
internal sealed class ExpressionLexer(SourceText source, List<Lexeme> lexemes)
{
    /// <summary>The longest name; names are looked up again and again.</summary>
    private const int MaxName = 200;

    private static readonly string[] LongOperators = ["==", "!=", "<=", ">=", "//", "**"];

    private readonly string _text = source.Text;
    private readonly Stack<char> _open = new();
    private int _at;

    /// <summary>Reads up to the end of a tag; returns where that begins.</summary>
    /// <param name="at">Where the content of the tag begins.</param>
    /// <param name="tag">Where the tag begins.</param>
    /// <param name="isStatement">Whether it ends with <c>%}</c>, not with <c>}}</c>.</param>
    public int Read(int at, int tag, bool isStatement)
    {
        string end = isStatement ? "%}" : "}}";
        _at = at;
        _open.Clear();
        while (true)
        {
            while (_at < _text.Length && PythonText.IsSpace(_text[_at]))
            {
                _at++;
            }

            if (_at == _text.Length)
            {
                throw source.Fault(tag, $"the tag does not end; '{end}' is missing");
            }

            // Inside brackets nothing ends a tag: {{ {'a': {}} }}.
            bool hasSign = _text[_at] == '-' || (_text[_at] == '+' && isStatement);
            if (_open.Count == 0 && _text.AsSpan(_at + (hasSign ? 1 : 0)).StartsWith(end, StringComparison.Ordinal))
            {
                return _at;
            }

            ReadOne();
        }
    }

    private void ReadOne()
    {
        int start = _at;
        char c = _text[_at];
        if (c is '\'' or '"')
        {
            Add(LexemeKind.String, ReadString(c), start);
        }
        else if (char.IsAsciiDigit(c))
        {
            ReadNumber();
        }
        else if (char.IsLetter(c) || c == '_')
        {
            while (_at < _text.Length && (char.IsLetterOrDigit(_text[_at]) || _text[_at] == '_'))
            {
                _at++;
            }

            Add(LexemeKind.Name, _at - start <= MaxName ? _text[start.._at] : throw source.Fault(start, $"the name is longer than {MaxName} characters"), start);
        }
        else
        {
            ReadOperator(c);
        }
    }

    private void ReadOperator(char c)
    {
        int start = _at;
        string? text = Array.Find(LongOperators, candidate => _text.AsSpan(start).StartsWith(candidate, StringComparison.Ordinal));
        text ??= "()[]{}.,:|~+-*/%<>=".Contains(c, StringComparison.Ordinal) ? c.ToString() : throw source.Fault(start, $"the character '{c}' has no meaning here");
        switch (c)
        {
            case '(' or '[' or '{':
                _open.Push(c);
                break;
            case ')' or ']' or '}' when !_open.TryPop(out char opened) || opened != Opening(c):
                throw source.Fault(start, $"'{c}' closes nothing");
        }

        _at += text.Length;
        Add(LexemeKind.Operator, text, start);
    }

    private static char Opening(char closing) => closing switch { ')' => '(', ']' => '[', _ => '{' };

    private void ReadNumber()
    {
        int start = _at;
        SkipDigits();
        bool isFloat = false;
        if (CharAt(_at) == '.' && char.IsAsciiDigit(CharAt(_at + 1)))
        {
            isFloat = true;
            _at++;
            SkipDigits();
        }

        int exponent = CharAt(_at) is 'e' or 'E' ? _at + 1 : -1;
        exponent += exponent >= 0 && CharAt(exponent) is '+' or '-' ? 1 : 0;
        if (exponent >= 0 && char.IsAsciiDigit(CharAt(exponent)))
        {
            isFloat = true;
            _at = exponent;
            SkipDigits();
        }

        Add(isFloat ? LexemeKind.Float : LexemeKind.Integer, _text[start.._at].Replace("_", "", StringComparison.Ordinal), start);
    }

    private void SkipDigits()
    {
        while (char.IsAsciiDigit(CharAt(_at)) || (CharAt(_at) == '_' && char.IsAsciiDigit(CharAt(_at + 1))))
        {
            _at++;
        }
    }

    private string ReadString(char quote)
    {
        int start = _at++;
        StringBuilder value = new();
        while (CharAt(_at) != quote)
        {
            if (_at >= _text.Length)
            {
                throw source.Fault(start, "the string does not end");
            }

            char c = _text[_at++];
            if (c == '\\' && _at < _text.Length)
            {
                ReadEscape(value);
            }
            else
            {
                value.Append(c);
            }
        }

        _at++;
        return value.ToString();
    }

    /// <summary>Reads what follows a backslash; one that escapes nothing stays, as in Python.</summary>
    private void ReadEscape(StringBuilder value)
    {
        int start = _at - 1;
        char c = _text[_at++];
        int digits = c switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (digits > 0)
        {
            uint code = 0;
            for (int i = 0; i < digits; i++, _at++)
            {
                code = char.IsAsciiHexDigit(CharAt(_at)) ? (code << 4) | Convert.ToUInt32(_text.Substring(_at, 1), 16)
                    : throw source.Fault(start, $"'\\{c}' needs {digits} hexadecimal digits");
            }

            value.Append(code <= char.MaxValue ? ((char)code).ToString()
                : Rune.IsValid(code) ? new Rune(code).ToString()
                : throw source.Fault(start, "there is no such character"));
            return;
        }

        string? escaped = c switch
        {
            'n' => "\n",
            't' => "\t",
            'r' => "\r",
            'b' => "\b",
            'f' => "\f",
            'v' => "\v",
            'a' => "\a",
            '0' => "\0",
            '\n' => "",
            '\\' or '\'' or '"' => c.ToString(),
            _ => null,
        };
        value.Append(escaped ?? $"\\{c}");
    }

    private char CharAt(int at) => at < _text.Length ? _text[at] : '\uffff';

    private void Add(LexemeKind kind, string text, int start) => lexemes.Add(new Lexeme(kind, text, source.PositionOf(start)));
}
