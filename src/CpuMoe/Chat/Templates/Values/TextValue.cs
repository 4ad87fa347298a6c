using CpuMoe.Text;

namespace CpuMoe.Chat.Templates;

/// <summary>
/// A text of which every character is known to be the template's own (trusted) or to come from outside: from messages,
/// tools and variables. Nothing that comes from outside may act as a control token, whatever the template does with it.
/// </summary>
internal sealed class TextValue : Value
{
    public static readonly TextValue Empty = new("", []);

    /// <summary>The text of a message that has none: an empty text that also answers to <c>is none</c>.</summary>
    /// <remarks>Some templates take only none for such a message, others print none as a word.</remarks>
    public static readonly TextValue Absent = new("", []);

    private static readonly int[] TrustedFromStart = [0];

    /// <summary>Where trust begins and ends, in turns; a text begins without.</summary>
    private readonly int[] _borders;

    private int _codePoints = -1;

    internal TextValue(string text, int[] borders)
    {
        Text = text;
        _borders = borders;
    }

    public override string Kind => "a string";

    public override bool IsTruthy => Text.Length > 0;

    /// <summary>The characters.</summary>
    public string Text { get; }

    /// <summary>Where trust begins and ends, in turns.</summary>
    public ReadOnlySpan<int> Borders => _borders;

    /// <summary>A text of the template or the engine.</summary>
    public static TextValue Trusted(string text) => text.Length == 0 ? Empty : new(text, TrustedFromStart);

    /// <summary>A text from outside.</summary>
    public static TextValue Outside(string text) => new(text, []);

    /// <summary>Another text of equal length with the same trust.</summary>
    public TextValue With(string text, RenderBudget budget)
    {
        budget.AllocateText(text.Length);
        return new TextValue(text, _borders);
    }

    /// <summary>A part.</summary>
    public TextValue Slice(int start, int length, RenderBudget budget)
    {
        if (length == Text.Length)
        {
            return this;
        }

        budget.AllocateText(length);
        return new TextValue(Text.Substring(start, length), BordersOf(start, length));
    }

    /// <summary>The text in pieces of equal trust.</summary>
    public List<TextSegment> ToSegments()
    {
        List<TextSegment> segments = [];
        int at = 0;
        for (int i = 0; i <= _borders.Length; i++)
        {
            int end = i < _borders.Length ? _borders[i] : Text.Length;
            if (end > at)
            {
                segments.Add(new TextSegment(Text[at..end], ParseSpecial: i % 2 == 1));
                at = end;
            }
        }

        return segments;
    }

    /// <summary>The characters as Python counts them: code points, a lone surrogate being one.</summary>
    public override int? Count(RenderBudget budget)
    {
        if (_codePoints < 0)
        {
            budget.Scan(Text.Length);
            int count = Text.Length;
            for (int i = 1; i < Text.Length; i++)
            {
                if (char.IsSurrogatePair(Text[i - 1], Text[i]))
                {
                    count--;
                }
            }

            _codePoints = count;
        }

        return _codePoints;
    }

    /// <summary>The code points as texts.</summary>
    public override IReadOnlyList<Value> Elements(RenderBudget budget)
    {
        int count = Count(budget)!.Value;
        budget.AllocateObjects(2L * count); // A string and what marks it.
        var elements = new Value[count];
        int at = 0;
        for (int i = 0; i < count; i++)
        {
            int length = LengthAt(at);
            elements[i] = new TextValue(Text.Substring(at, length), BordersOf(at, length));
            at += length;
        }

        return elements;
    }

    /// <summary>The place of a code point in UTF-16 units.</summary>
    public int IndexOf(int codePoint, RenderBudget budget)
    {
        if (Count(budget) == Text.Length)
        {
            return codePoint;
        }

        budget.Scan(Text.Length);
        int at = 0;
        for (int i = 0; i < codePoint; i++)
        {
            at += LengthAt(at);
        }

        return at;
    }

    /// <summary>The length of the code point at a place.</summary>
    public int LengthAt(int at) => at + 1 < Text.Length && char.IsSurrogatePair(Text[at], Text[at + 1]) ? 2 : 1;

    /// <summary>The number of borders up to a place; the character there is trusted where it is odd.</summary>
    public int BordersUpTo(int at)
    {
        int index = Array.BinarySearch(_borders, at);
        return index >= 0 ? index + 1 : ~index;
    }

    private int[] BordersOf(int start, int length)
    {
        if (_borders.Length == 0 || length == 0)
        {
            return [];
        }

        if (_borders is [0])
        {
            return TrustedFromStart;
        }

        int index = BordersUpTo(start);
        List<int> borders = index % 2 == 1 ? [0] : [];
        for (; index < _borders.Length && _borders[index] < start + length; index++)
        {
            borders.Add(_borders[index] - start);
        }

        return [.. borders];
    }
}
