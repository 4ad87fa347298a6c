namespace CpuMoe.Experts;

/// <summary>What a trace says about caching experts.</summary>
/// <param name="DecodePasses">Passes that generated.</param>
/// <param name="DecodeTokens">Their tokens.</param>
/// <param name="PrefillPasses">Passes that read batches of prompts.</param>
/// <param name="PrefillTokens">Their tokens.</param>
/// <param name="Accesses">Experts asked for, each once per layer and pass.</param>
/// <param name="CompulsoryMisses">Different experts asked for: what a cache of any size must read once.</param>
/// <param name="ConsecutiveOverlap">
/// The share of the experts of a decode pass that the decode pass before asked for as well, 0 to 1; NaN without two
/// decode passes in a row.
/// </param>
/// <param name="Layers">The layers with experts.</param>
/// <param name="Curve">What caches of some sizes do, by ascending size.</param>
public sealed record ExpertTraceAnalysis(
    int DecodePasses,
    long DecodeTokens,
    int PrefillPasses,
    long PrefillTokens,
    long Accesses,
    int CompulsoryMisses,
    double ConsecutiveOverlap,
    IReadOnlyList<ExpertLayerUse> Layers,
    IReadOnlyList<ExpertCachePoint> Curve)
{
    /// <summary>Analyses a trace. Every cache begins empty.</summary>
    /// <param name="trace">The trace.</param>
    /// <param name="slots">The sizes of the caches in experts; those larger than all experts count as all.</param>
    /// <param name="cancellationToken">Ends the analysis.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static ExpertTraceAnalysis Of(ExpertTrace trace, IEnumerable<int> slots, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(trace);
        int[] sizes = [.. slots.Select(size => Math.Min(size, trace.TotalExperts)).Distinct().Order()];
        if (sizes is [< 1, ..])
        {
            throw new ArgumentOutOfRangeException(nameof(slots), sizes[0], "A cache has 1 slot or more.");
        }

        var use = new ExpertUseCounter(trace);
        var replay = new ExpertReplay(trace);
        int usesPerToken = trace.Layers.Count * trace.ExpertsUsed;

        // A slot takes any expert, so that it is as large as the largest.
        long slotBytes = trace.Layers.Max(layer => layer.ExpertBytes);
        var curve = new ExpertCachePoint[sizes.Length];
        for (int i = 0; i < sizes.Length; i++)
        {
            int size = sizes[i];
            curve[i] = new ExpertCachePoint(
                size,
                size * slotBytes,
                replay.Run(new ReplayedLru(replay.KeyCount, size), cancellationToken),
                replay.Run(new ReplayedPolicy(replay.KeyCount, size, usesPerToken), cancellationToken),
                replay.Run(new ReplayedBelady(replay, size), cancellationToken));
        }

        return new ExpertTraceAnalysis(
            use.DecodePasses,
            use.DecodeTokens,
            use.PrefillPasses,
            use.PrefillTokens,
            trace.AccessCount,
            use.Layers.Sum(layer => layer.DistinctExperts),
            use.ConsecutiveOverlap,
            use.Layers,
            curve);
    }
}

/// <summary>How the experts of a layer are used.</summary>
/// <param name="Block">The index of the layer among all blocks of the model.</param>
/// <param name="Passes">By expert: the passes of either kind that asked for it.</param>
/// <param name="ConsecutiveOverlap">As <see cref="ExpertTraceAnalysis.ConsecutiveOverlap"/>, of this layer.</param>
public sealed record ExpertLayerUse(int Block, IReadOnlyList<int> Passes, double ConsecutiveOverlap)
{
    /// <summary>The experts that were asked for at all.</summary>
    public int DistinctExperts => Passes.Count(passes => passes > 0);

    /// <summary>The share of all uses that go to the most popular experts.</summary>
    /// <param name="experts">How many of them.</param>
    /// <returns>0 to 1; NaN in a layer that was never used.</returns>
    public double ShareOfMostPopular(int experts) => (double)Passes.OrderDescending().Take(experts).Sum(passes => (long)passes) / Passes.Sum(passes => (long)passes);
}

/// <summary>What a cache did with a trace.</summary>
/// <param name="DecodeHits">Experts that decode found.</param>
/// <param name="DecodeMisses">Experts that decode had to wait for.</param>
/// <param name="DecodeBytes">Bytes of the latter.</param>
/// <param name="PrefillHits">Experts that prefill found.</param>
/// <param name="PrefillMisses">Experts that prefill had to wait for.</param>
/// <param name="PrefillBytes">Bytes of the latter.</param>
public sealed record ExpertCacheResult(long DecodeHits, long DecodeMisses, long DecodeBytes, long PrefillHits, long PrefillMisses, long PrefillBytes)
{
    /// <summary>The share of the experts that decode found, 0 to 1; NaN without decode.</summary>
    public double DecodeHitRate => (double)DecodeHits / (DecodeHits + DecodeMisses);

    /// <summary>The share of the experts that were found, 0 to 1; NaN in an empty trace.</summary>
    public double HitRate => (double)(DecodeHits + PrefillHits) / (DecodeHits + PrefillHits + DecodeMisses + PrefillMisses);
}

/// <summary>Caches of one size.</summary>
/// <param name="Slots">Their size in experts.</param>
/// <param name="Bytes">Their size in bytes.</param>
/// <param name="Lru">Evicts what was used least recently.</param>
/// <param name="Shipped">The policy of the engine.</param>
/// <param name="Belady">The optimum, which knows the future: the most hits of prefill and decode together.</param>
public sealed record ExpertCachePoint(int Slots, long Bytes, ExpertCacheResult Lru, ExpertCacheResult Shipped, ExpertCacheResult Belady);
