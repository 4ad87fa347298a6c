namespace CpuMoe.Generation;

/// <summary>Options of one generation.</summary>
public sealed record GenerationOptions
{
    /// <summary>The most tokens to generate; 0 or less means until the context is full.</summary>
    public int MaxTokens { get; init; }

    /// <summary>How tokens are chosen.</summary>
    public SamplerOptions Sampling { get; init; } = new();

    /// <summary>Texts that end the generation; they are not part of the output. None may be empty.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>Whether control tokens appear in the text.</summary>
    public bool ShowControl { get; init; }

    /// <summary>Whether end-of-generation tokens are ignored (for benchmarks).</summary>
    public bool IgnoreEndOfGeneration { get; init; }
}
