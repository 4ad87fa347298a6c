using System.Globalization;
using CpuMoe.Experts;

namespace CpuMoe.Cli;

/// <summary>How the experts of a paged model were used, since it was loaded but for the bytes per token.</summary>
/// <param name="ReadMode">direct or buffered.</param>
/// <param name="Slots">Experts that fit in memory.</param>
/// <param name="Total">Experts of the model.</param>
/// <param name="Hits">Requests found in memory.</param>
/// <param name="Misses">Requests that had to be read.</param>
/// <param name="HitRate">Requests found in memory, 0 to 1.</param>
/// <param name="HitRateByLayer">As the hit rate, per layer with experts.</param>
/// <param name="BytesReadPerToken">In decode; absent where that was not measured.</param>
/// <param name="ReadGbS">10^9 bytes per second while any read was under way.</param>
/// <param name="QueueDepth">Reads under way when one began, on average.</param>
/// <param name="StalledMs">Time for which the computation waited for reads.</param>
internal sealed record PagingOutput(
    string ReadMode, int Slots, int Total, long Hits, long Misses, double HitRate, double[] HitRateByLayer,
    double? BytesReadPerToken, double ReadGbS, double QueueDepth, double StalledMs)
{
    /// <summary>Of a model; null of one that is not paged.</summary>
    public static PagingOutput? From(ExpertStatistics? statistics, double? bytesPerToken = null) => statistics is null ? null : new PagingOutput(
        statistics.ReadMode,
        statistics.Slots,
        statistics.Experts,
        statistics.Hits.Sum(),
        statistics.Misses.Sum(),
        statistics.HitRate,
        [.. statistics.Hits.Select((_, layer) => statistics.HitRateOf(layer))],
        bytesPerToken,
        statistics.Reads.Bandwidth / 1e9,
        statistics.Reads.QueueDepth,
        statistics.Stalled.TotalMilliseconds);

    /// <summary>The same in one line.</summary>
    public string Summary() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Slots} of {Total} experts fit in memory, {HitRate:P0} of those asked for were there; {ReadMode} reads at {ReadGbS:F2} GB/s, {QueueDepth:F1} at a time, waited {StalledMs / 1000:F1} s for them");
}
