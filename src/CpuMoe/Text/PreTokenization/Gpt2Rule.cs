namespace CpuMoe.Text.PreTokenization;

/// <summary>The split pattern of GPT-2.</summary>
/// <remarks>
/// <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>, published with OpenAI's GPT-2.
/// </remarks>
internal sealed class Gpt2Rule : CoveringRule
{
    protected override int MatchEnd(ReadOnlySpan<char> text, int start)
    {
        int contraction = ContractionLength(text, start, StringComparison.Ordinal);
        if (contraction > 0)
        {
            return start + contraction;
        }

        int word = text[start] == ' ' ? start + 1 : start;
        CharClass first = CodePoints.ClassAt(text, word, out _);
        return first is CharClass.Letter or CharClass.Number or CharClass.Other
            ? CodePoints.SkipWhile(text, word, first)
            : SpaceEnd(text, start, CodePoints.SkipWhile(text, start, CharClass.Space));
    }
}
