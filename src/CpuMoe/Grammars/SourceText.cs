using System.Globalization;
using System.Text;

namespace CpuMoe.Grammars;

/// <summary>The text of a grammar or pattern while it is read.</summary>
internal sealed class SourceText(string text, bool hasLines)
{
    /// <summary>How deep groups may be nested.</summary>
    public const int MaxDepth = 100;

    /// <summary>The index of the next character.</summary>
    public int Position { get; private set; }

    public bool IsAtEnd => Position == text.Length;

    /// <summary>The next character; NUL at the end.</summary>
    public char Next => IsAtEnd ? '\0' : text[Position];

    /// <summary>Whether the text goes on with <paramref name="expected"/>.</summary>
    public bool StartsWith(string expected) => text.AsSpan(Position).StartsWith(expected, StringComparison.Ordinal);

    /// <summary>Whether <paramref name="expected"/> comes next but for characters to leave out.</summary>
    public bool IsFollowedBy(char expected, Func<char, bool> isLeftOut)
    {
        int at = Position;
        while (at < text.Length && isLeftOut(text[at]))
        {
            at++;
        }

        return at < text.Length && text[at] == expected;
    }

    /// <summary>Skips <paramref name="expected"/> if it comes next.</summary>
    public bool Skip(string expected)
    {
        bool comes = StartsWith(expected);
        Position += comes ? expected.Length : 0;
        return comes;
    }

    /// <summary>Skips what must come next.</summary>
    public void Expect(string expected, string why)
    {
        if (!Skip(expected))
        {
            throw Fault($"'{expected}' is missing {why}");
        }
    }

    /// <summary>Reads one code point.</summary>
    public int Read()
    {
        if (IsAtEnd)
        {
            throw Fault("the text ends too early");
        }

        if (Rune.DecodeFromUtf16(text.AsSpan(Position), out Rune rune, out int length) != System.Buffers.OperationStatus.Done)
        {
            throw Fault("half a surrogate pair");
        }

        Position += length;
        return rune.Value;
    }

    /// <summary>Reads characters as long as they pass.</summary>
    public string ReadWhile(Func<char, bool> passes)
    {
        int start = Position;
        while (!IsAtEnd && passes(text[Position]))
        {
            Position++;
        }

        return text[start..Position];
    }

    /// <summary>Reads up to <paramref name="end"/>, which is skipped.</summary>
    public string ReadTo(string end, string why)
    {
        int at = text.IndexOf(end, Position, StringComparison.Ordinal);
        if (at < 0)
        {
            throw Fault($"'{end}' is missing {why}");
        }

        string read = text[Position..at];
        Position = at + end.Length;
        return read;
    }

    /// <summary>Reads the number of a code point: <paramref name="digits"/> hexadecimal digits.</summary>
    public int ReadHexadecimal(int digits)
    {
        if (text.Length - Position < digits
            || !int.TryParse(text.AsSpan(Position, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value)
            || !Rune.IsValid(value))
        {
            throw Fault($"{digits} hexadecimal digits of a character are expected");
        }

        Position += digits;
        return value;
    }

    /// <summary>Reads <c>m}</c>, <c>m,}</c> or <c>m,n}</c> after the brace of a repetition.</summary>
    public (int Min, int Max) ReadBounds()
    {
        int min = ReadCount();
        int max = min;
        if (Skip(","))
        {
            max = Next == '}' ? RepeatExpression.Unlimited : ReadCount();
        }

        Expect("}", "after the bounds of a repetition");
        return min <= max ? (min, max) : throw Fault($"the bounds {min} and {max} are the wrong way round");
    }

    /// <summary>A fault at the next character.</summary>
    public GrammarException Fault(string problem)
    {
        ReadOnlySpan<char> before = text.AsSpan(0, Position);
        int column = Position - before.LastIndexOf('\n');
        return new GrammarException(problem, hasLines ? $"line {before.Count('\n') + 1}, column {column}" : $"column {Position + 1}");
    }

    private int ReadCount()
    {
        const int Largest = 1_000_000;
        string digits = ReadWhile(char.IsAsciiDigit);
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count <= Largest
            ? count
            : throw Fault($"a number of repetitions up to {Largest} is expected");
    }
}
