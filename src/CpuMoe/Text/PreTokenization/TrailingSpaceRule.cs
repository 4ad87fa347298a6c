namespace CpuMoe.Text.PreTokenization;

/// <summary>The pattern <c>\s+$</c>: the white space a text ends with.</summary>
internal sealed class TrailingSpaceRule : SplitRule
{
    internal override bool TryFind(ReadOnlySpan<char> text, int from, out int start, out int end)
    {
        start = from + text[from..].TrimEnd().Length;
        end = text.Length;
        return start < end;
    }
}
