namespace CpuMoe.Chat;

/// <summary>Looks for tags in text that is not complete yet.</summary>
internal static class Tags
{
    /// <summary>How much of a text certainly lies before a tag that does not occur in it as a whole.</summary>
    /// <param name="text">The text so far.</param>
    /// <param name="tag">The tag; a less-than sign is its first character and occurs nowhere else in it.</param>
    public static int CertainLength(ReadOnlySpan<char> text, string tag)
    {
        // So only the last sign of the text can begin an unfinished tag.
        int last = text.LastIndexOf('<');
        return last >= 0 && tag.AsSpan().StartsWith(text[last..], StringComparison.Ordinal) ? last : text.Length;
    }
}
