namespace CpuMoe.Models;

/// <summary>How much memory a model may keep resident: weights, KV caches and scratch together.</summary>
public readonly record struct MemoryBudget
{
    private readonly long _bytes;

    private MemoryBudget(long bytes)
    {
        _bytes = bytes;
    }

    /// <summary>What the machine, or the container the process runs in, has to spare when the model is loaded.</summary>
    public static MemoryBudget Auto => default;

    /// <summary>No limit: all weights are mapped, and the operating system pages them in and out as it sees fit.</summary>
    public static MemoryBudget Unlimited { get; } = new(long.MaxValue);

    /// <summary>Whether this is <see cref="Auto"/>.</summary>
    public bool IsAuto => _bytes == 0;

    /// <summary>Whether this is <see cref="Unlimited"/>.</summary>
    public bool IsUnlimited => _bytes == long.MaxValue;

    /// <summary>A number of bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bytes"/> is not positive.</exception>
    public static MemoryBudget Of(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        return new MemoryBudget(bytes);
    }

    /// <summary>The bytes; what <paramref name="auto"/> gives for <see cref="Auto"/>.</summary>
    internal long Resolve(Func<long> auto) => IsAuto ? auto() : _bytes;
}
