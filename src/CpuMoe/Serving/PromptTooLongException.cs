namespace CpuMoe.Serving;

/// <summary>A prompt does not leave room for an answer in the context.</summary>
/// <param name="tokens">Tokens of the prompt.</param>
/// <param name="contextLength">Tokens that the context holds.</param>
public sealed class PromptTooLongException(int tokens, int contextLength)
    : Exception($"The prompt has {tokens} tokens and leaves no room in a context of {contextLength}. Shorten the prompt or use a larger context.")
{
    /// <summary>Tokens of the prompt.</summary>
    public int Tokens { get; } = tokens;

    /// <summary>Tokens that the context holds, prompt and answer together.</summary>
    public int ContextLength { get; } = contextLength;
}
