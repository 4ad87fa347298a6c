namespace CpuMoe.Experts;

/// <summary>What was read from the disk.</summary>
/// <param name="Bytes">Bytes.</param>
/// <param name="Reads">Reads.</param>
/// <param name="Busy">The time during which any read was under way.</param>
/// <param name="QueueDepth">How many reads were under way when one began, itself included, on average.</param>
public readonly record struct ReadStatistics(long Bytes, long Reads, TimeSpan Busy, double QueueDepth)
{
    /// <summary>Bytes per second while reading; 0 before the first read.</summary>
    public double Bandwidth => Busy > TimeSpan.Zero ? Bytes / Busy.TotalSeconds : 0;
}

/// <summary>How a paged model's experts were used since it was loaded.</summary>
public sealed record ExpertStatistics
{
    /// <summary>How bytes come from the disk: <c>direct</c> or <c>buffered</c>.</summary>
    public required string ReadMode { get; init; }

    /// <summary>Experts that fit in memory at a time.</summary>
    public required int Slots { get; init; }

    /// <summary>Experts of the model.</summary>
    public required int Experts { get; init; }

    /// <summary>Per layer with experts: how often an expert was asked for that was in memory.</summary>
    public required IReadOnlyList<long> Hits { get; init; }

    /// <summary>Per layer with experts: how often an expert was asked for that had to be read.</summary>
    public required IReadOnlyList<long> Misses { get; init; }

    /// <summary>What was read, dense weights not included.</summary>
    public required ReadStatistics Reads { get; init; }

    /// <summary>The time for which the computation waited for the disk.</summary>
    public required TimeSpan Stalled { get; init; }

    /// <summary>The part of all requests that were hits, 0 to 1; 0 before the first.</summary>
    public double HitRate => Rate(Hits.Sum(), Misses.Sum());

    /// <summary>As <see cref="HitRate"/>, of one layer.</summary>
    /// <param name="layer">The index among the layers with experts.</param>
    public double HitRateOf(int layer) => Rate(Hits[layer], Misses[layer]);

    private static double Rate(long hits, long misses) => hits + misses == 0 ? 0 : (double)hits / (hits + misses);
}
