using CpuMoe.Experts;

namespace CpuMoe.Cli;

/// <summary>The output of <c>experts --json</c>; rates are 0 to 1, and absent where there is nothing to count.</summary>
internal sealed record ExpertsOutput(
    int Experts, int ExpertsUsed, int TotalExperts, int DecodePasses, long DecodeTokens, int PrefillPasses, long PrefillTokens,
    long Accesses, int CompulsoryMisses, double? ConsecutiveOverlap, ExpertCacheOutput[] Caches, ExpertLayerOutput[] Layers)
{
    public static ExpertsOutput From(ExpertTrace trace, ExpertTraceAnalysis analysis) => new(
        trace.ExpertCount,
        trace.ExpertsUsed,
        trace.TotalExperts,
        analysis.DecodePasses,
        analysis.DecodeTokens,
        analysis.PrefillPasses,
        analysis.PrefillTokens,
        analysis.Accesses,
        analysis.CompulsoryMisses,
        Known(analysis.ConsecutiveOverlap),
        [.. analysis.Curve.Select(point => new ExpertCacheOutput(
            point.Slots, point.Bytes, Hits(point.Lru, analysis), Hits(point.Shipped, analysis), Hits(point.Belady, analysis)))],
        [.. analysis.Layers.Select(layer => new ExpertLayerOutput(
            layer.Block, Known(layer.ConsecutiveOverlap), Known(layer.ShareOfMostPopular(trace.ExpertsUsed)), [.. layer.Passes]))]);

    private static ExpertHitsOutput Hits(ExpertCacheResult result, ExpertTraceAnalysis analysis) => new(
        Known(result.HitRate),
        Known(result.DecodeHitRate),
        Known((double)result.DecodeBytes / analysis.DecodeTokens),
        Known((double)result.PrefillBytes / analysis.PrefillTokens));

    private static double? Known(double value) => double.IsNaN(value) ? null : value;
}

/// <summary>Caches of one size.</summary>
internal sealed record ExpertCacheOutput(int Slots, long Bytes, ExpertHitsOutput Lru, ExpertHitsOutput Shipped, ExpertHitsOutput Belady);

/// <summary>What a cache found, and what it had to read.</summary>
internal sealed record ExpertHitsOutput(double? HitRate, double? DecodeHitRate, double? DecodeBytesPerToken, double? PrefillBytesPerToken);

/// <summary>A layer: by expert the passes that used it, and the share of all uses that went to as many experts as a token uses.</summary>
internal sealed record ExpertLayerOutput(int Block, double? ConsecutiveOverlap, double? TopShare, int[] Passes);
