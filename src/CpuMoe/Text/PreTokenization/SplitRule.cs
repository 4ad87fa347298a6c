namespace CpuMoe.Text.PreTokenization;

/// <summary>One split pattern: every match, and every gap between two matches, is a piece of its own.</summary>
internal abstract class SplitRule
{
    /// <summary>Finds the first match that begins at or after <paramref name="from"/>.</summary>
    internal abstract bool TryFind(ReadOnlySpan<char> text, int from, out int start, out int end);
}

/// <summary>A pattern whose alternatives cover every text: matches follow one another without gaps.</summary>
internal abstract class CoveringRule : SplitRule
{
    /// <summary>The end of the match that begins at <paramref name="start"/>, always behind it.</summary>
    protected abstract int MatchEnd(ReadOnlySpan<char> text, int start);

    internal sealed override bool TryFind(ReadOnlySpan<char> text, int from, out int start, out int end)
    {
        start = from;
        end = from < text.Length ? MatchEnd(text, from) : from;
        return from < text.Length;
    }

    /// <summary>The length of an English contraction (<c>'s 't 're 've 'm 'll 'd</c>) at <paramref name="start"/>, or 0.</summary>
    protected static int ContractionLength(ReadOnlySpan<char> text, int start, StringComparison comparison)
    {
        ReadOnlySpan<char> rest = text[start..];
        if (rest[0] != '\'')
        {
            return 0;
        }

        foreach (string ending in (ReadOnlySpan<string>)["s", "t", "re", "ve", "m", "ll", "d"])
        {
            if (rest[1..].StartsWith(ending, comparison))
            {
                return 1 + ending.Length;
            }
        }

        return 0;
    }

    /// <summary>
    /// <c>\s+(?!\S)|\s+</c>: a run of white space leaves its last code point to the word behind it, unless that is all it has.
    /// </summary>
    /// <remarks>All white space lies in the basic plane, so the last code point is one UTF-16 unit.</remarks>
    protected static int SpaceEnd(ReadOnlySpan<char> text, int start, int runEnd)
        => runEnd < text.Length && runEnd - start > 1 ? runEnd - 1 : runEnd;
}
