using CpuMoe.Models;

namespace CpuMoe.Fitting;

/// <summary>What an estimate is for.</summary>
public sealed record FitOptions
{
    /// <summary>Tokens in the KV cache when decoding, 1 or more; memory is planned for as many.</summary>
    public int ContextLength { get; init; } = 8192;

    /// <summary>The format of the KV cache.</summary>
    public KvType KvType { get; init; }

    /// <summary>Bytes that the process may use in all; null for what the machine has, <see cref="long.MaxValue"/> for no bound.</summary>
    public long? MemoryBytes { get; init; }
}
