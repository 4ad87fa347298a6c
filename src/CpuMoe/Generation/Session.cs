using CpuMoe.Models;

namespace CpuMoe.Generation;

/// <summary>Options of a session.</summary>
public sealed record SessionOptions
{
    /// <summary>Positions in the KV cache; 0 means the model's context length, at most 8192.</summary>
    public int ContextLength { get; init; }

    /// <summary>The number format of the KV cache.</summary>
    public KvType KvType { get; init; } = KvType.F16;
}

/// <summary>Options of one generation.</summary>
public sealed record GenerationOptions
{
    /// <summary>The most tokens to generate; 0 or less means until the context is full.</summary>
    public int MaxTokens { get; init; }

    /// <summary>How tokens are chosen.</summary>
    public SamplerOptions Sampling { get; init; } = new();

    /// <summary>Texts that end the generation; they are not part of the output.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>Whether control tokens appear in the text.</summary>
    public bool ShowControl { get; init; }

    /// <summary>Whether end-of-generation tokens are ignored (for benchmarks).</summary>
    public bool IgnoreEndOfGeneration { get; init; }
}

/// <summary>Why a generation ended.</summary>
public enum FinishReason
{
    /// <summary>It goes on.</summary>
    None,

    /// <summary>An end-of-generation token or a stop string.</summary>
    Stop,

    /// <summary>The token limit of the request.</summary>
    Length,

    /// <summary>The context is full.</summary>
    Context,
}

/// <summary>One step of a generation.</summary>
/// <param name="TokenId">The token chosen in this step (end-of-generation tokens included), or -1 in a last step without one.</param>
/// <param name="Text">The text released in this step; empty while characters or possible stop strings are held back.</param>
/// <param name="FinishReason">Other than <see cref="FinishReason.None"/> in the last step only.</param>
public readonly record struct GenerationUpdate(int TokenId, string Text, FinishReason FinishReason);

/// <summary>Counts and times of a generation.</summary>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="CachedTokens">Tokens of the prompt that were still in the KV cache.</param>
/// <param name="GeneratedTokens">Tokens generated.</param>
/// <param name="PromptTime">Time to evaluate the prompt.</param>
/// <param name="GenerationTime">Time from the first logits to the last token.</param>
/// <param name="TimeToFirstToken">Time from the call to the first token.</param>
public sealed record GenerationTimings(int PromptTokens, int CachedTokens, int GeneratedTokens, TimeSpan PromptTime, TimeSpan GenerationTime, TimeSpan TimeToFirstToken);

/// <summary>One sequence on a model: its KV cache and the tokens in it. Not safe for concurrent use.</summary>
public sealed class Session : IDisposable
{
    /// <summary>The number of tokens that fit.</summary>
    public int ContextLength => throw new NotImplementedException();

    /// <summary>The tokens whose keys and values are cached.</summary>
    public ReadOnlySpan<int> Tokens => throw new NotImplementedException();

    /// <summary>Counts and times of the last generation, complete or not.</summary>
    public GenerationTimings? LastTimings => throw new NotImplementedException();

    /// <summary>
    /// Generates after <paramref name="prompt"/>, which is the whole sequence from its start; the longest common prefix
    /// with the cached tokens is not evaluated again.
    /// </summary>
    /// <exception cref="ArgumentException">An empty prompt, one that does not fit, or an id out of range.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the session stays usable.</exception>
    public IEnumerable<GenerationUpdate> Generate(ReadOnlyMemory<int> prompt, GenerationOptions options, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
