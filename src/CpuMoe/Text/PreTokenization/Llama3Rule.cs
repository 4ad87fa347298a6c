namespace CpuMoe.Text.PreTokenization;

/// <summary>The split pattern of Llama 3, GLM-4 (numbers of up to three digits) and Qwen 2 (single digits).</summary>
/// <remarks>
/// <c>(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>,
/// from the models' <c>tokenizer.json</c>; contractions ignore the case of ASCII letters only.
/// </remarks>
/// <param name="maxDigits">How many <c>\p{N}</c> one piece may hold.</param>
internal sealed class Llama3Rule(int maxDigits) : CoveringRule
{
    protected override int MatchEnd(ReadOnlySpan<char> text, int start)
    {
        int contraction = ContractionLength(text, start, StringComparison.OrdinalIgnoreCase);
        if (contraction > 0)
        {
            return start + contraction;
        }

        CharClass first = CodePoints.ClassAt(text, start, out int length);
        if (first == CharClass.Number)
        {
            return CodePoints.SkipWhile(text, start, CharClass.Number, maxDigits);
        }

        // [^\r\n\p{L}\p{N}]?\p{L}+
        int letters = first is CharClass.Space or CharClass.Other ? start + length : start;
        int end = CodePoints.SkipWhile(text, letters, CharClass.Letter);
        if (end > letters)
        {
            return end;
        }

        // ?[^\s\p{L}\p{N}]+[\r\n]*
        int symbols = text[start] == ' ' ? start + 1 : start;
        end = CodePoints.SkipWhile(text, symbols, CharClass.Other);
        if (end > symbols)
        {
            return CodePoints.SkipWhile(text, end, CharClass.LineBreak);
        }

        // \s*[\r\n]+ backs off to the last line break of the run.
        int runEnd = CodePoints.SkipWhile(text, start, CharClass.Space);
        int lastBreak = text[start..runEnd].LastIndexOfAny('\r', '\n');
        return lastBreak >= 0 ? start + lastBreak + 1 : SpaceEnd(text, start, runEnd);
    }
}
