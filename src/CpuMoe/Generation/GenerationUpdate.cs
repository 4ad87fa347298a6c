namespace CpuMoe.Generation;

/// <summary>One step of a generation.</summary>
/// <param name="TokenId">The token chosen in this step, end-of-generation tokens included.</param>
/// <param name="Text">The text released in this step; empty while characters or possible stop strings are held back.</param>
/// <param name="FinishReason">Other than <see cref="FinishReason.None"/> in the last step only.</param>
/// <param name="Logprobs">Where <see cref="GenerationOptions.Logprobs"/> asks for them.</param>
/// <param name="StopString">The stop string that ended the text, in the last step only.</param>
public readonly record struct GenerationUpdate(int TokenId, string Text, FinishReason FinishReason, TokenLogprobs? Logprobs = null, string? StopString = null);
