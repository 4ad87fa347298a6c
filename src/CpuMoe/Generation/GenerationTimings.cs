namespace CpuMoe.Generation;

/// <summary>Counts and times of a generation, so far or in all.</summary>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="CachedTokens">Tokens of the prompt that were still in the KV cache.</param>
/// <param name="GeneratedTokens">Tokens generated, an end-of-generation token included.</param>
/// <param name="PromptTime">Time to evaluate the prompt.</param>
/// <param name="GenerationTime">Time from the first logits to the last token; the caller's own time between two tokens counts.</param>
/// <param name="TimeToFirstToken">Time from the start of the enumeration, or from the admission by a scheduler, to the first token; zero where there is none.</param>
/// <param name="QueueTime">Time from the admission by a scheduler until a slot was free; zero before that, and without a scheduler.</param>
public sealed record GenerationTimings(
    int PromptTokens, int CachedTokens, int GeneratedTokens, TimeSpan PromptTime, TimeSpan GenerationTime, TimeSpan TimeToFirstToken, TimeSpan QueueTime);
