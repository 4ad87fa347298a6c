using CpuMoe.Models;

namespace CpuMoe.Generation;

/// <summary>Options of a session.</summary>
public sealed record SessionOptions
{
    /// <summary>Positions in the KV cache, at most the model's context length; 0 means that length, but at most 8192.</summary>
    public int ContextLength { get; init; }

    /// <summary>The number format of the KV cache.</summary>
    public KvType KvType { get; init; } = KvType.F16;
}
