namespace CpuMoe.Text.PreTokenization;

/// <summary>Splits text into the pieces inside which byte pairs are merged.</summary>
/// <remarks>Each rule splits every piece the rules before it have made, matches included.</remarks>
/// <param name="rules">The split patterns in order.</param>
internal sealed class PreTokenizer(params SplitRule[] rules)
{
    private static readonly RunRule SingleDigit = new(IsNumber, limit: 1);

    /// <summary>The values of <c>tokenizer.ggml.pre</c> that <see cref="Find"/> knows, for messages.</summary>
    internal const string Names = "glm4, chatglm-bpe, llama-bpe, llama3, llama-v3, qwen2, gpt-2, deepseek-llm, starcoder";

    /// <summary>Whether a piece that is a token as a whole is that token, whatever the merges say (Llama 3).</summary>
    internal bool WholePieceFirst { get; private init; }

    /// <summary>Whether the models of this kind want a BOS where the file does not say (Llama 3).</summary>
    internal bool AddsBos { get; private init; }

    /// <summary>The pre-tokenizer of a <c>tokenizer.ggml.pre</c> name, or null when it is not known.</summary>
    internal static PreTokenizer? Find(string name) => name switch
    {
        "glm4" or "chatglm-bpe" => new(new Llama3Rule(maxDigits: 3)),
        "llama-bpe" or "llama3" or "llama-v3" => new(new Llama3Rule(maxDigits: 3)) { WholePieceFirst = true, AddsBos = true },
        "qwen2" => new(new Llama3Rule(maxDigits: 1)),
        "gpt-2" => new(new Gpt2Rule()),
        "starcoder" => new(SingleDigit, new Gpt2Rule()),
        "deepseek-llm" => new(
            new RunRule(codePoint => codePoint is '\r' or '\n', limit: 1),
            new RunRule(DeepSeekSets.IsCasedLetter, leadingSpace: true),
            new RunRule(DeepSeekSets.IsPunctuation, leadingSpace: true),
            new TrailingSpaceRule(),
            new RunRule(DeepSeekSets.IsEastAsian),
            new RunRule(IsNumber)),
        _ => null,
    };

    /// <summary>The ends of the pieces in order; the pieces cover the text.</summary>
    internal List<int> Split(ReadOnlySpan<char> text)
    {
        List<int> ends = [text.Length];
        foreach (SplitRule rule in rules)
        {
            List<int> finer = new(ends.Count + (text.Length / 4));
            int start = 0;
            foreach (int end in ends)
            {
                SplitPiece(rule, text[start..end], start, finer);
                start = end;
            }

            ends = finer;
        }

        return ends;
    }

    private static void SplitPiece(SplitRule rule, ReadOnlySpan<char> piece, int offset, List<int> ends)
    {
        int at = 0;
        while (rule.TryFind(piece, at, out int start, out int end))
        {
            if (start > at)
            {
                ends.Add(offset + start);
            }

            ends.Add(offset + end);
            at = end;
        }

        if (at < piece.Length)
        {
            ends.Add(offset + piece.Length);
        }
    }

    private static bool IsNumber(int codePoint) => CodePoints.ClassOf(codePoint) == CharClass.Number;
}
