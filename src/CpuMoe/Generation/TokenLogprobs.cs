namespace CpuMoe.Generation;

/// <summary>A token and the natural logarithm of its probability before any step of the sampler.</summary>
public readonly record struct TokenLogprob(int TokenId, float Logprob);

/// <summary>How likely the chosen token was, beside the most likely ones.</summary>
/// <param name="Chosen">The token of the step.</param>
/// <param name="Top">The most likely tokens, likeliest first, as many as <see cref="GenerationOptions.Logprobs"/> asks for.</param>
public sealed record TokenLogprobs(TokenLogprob Chosen, IReadOnlyList<TokenLogprob> Top);
