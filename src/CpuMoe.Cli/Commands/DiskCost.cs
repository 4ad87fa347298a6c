using CpuMoe.Models;

namespace CpuMoe.Cli.Commands;

/// <summary>What generation asked of disks.</summary>
/// <param name="ReadBytes">Bytes read; null where the system does not count them.</param>
/// <param name="StalledMs">Milliseconds for which the computation waited for experts; null of a model that is not paged.</param>
internal readonly record struct DiskCost(double? ReadBytes, double? StalledMs)
{
    /// <summary>Nothing.</summary>
    public static DiskCost None => new(0, 0);

    /// <summary>All since the process started.</summary>
    public static DiskCost Of(Model model) => new(DiskReads.Bytes(), model.ExpertStatistics?.Stalled.TotalMilliseconds);

    public static DiskCost operator +(DiskCost left, DiskCost right) => new(left.ReadBytes + right.ReadBytes, left.StalledMs + right.StalledMs);

    public static DiskCost operator -(DiskCost left, DiskCost right) => new(left.ReadBytes - right.ReadBytes, left.StalledMs - right.StalledMs);

    public static DiskCost operator /(DiskCost cost, double tokens) => new(cost.ReadBytes / tokens, cost.StalledMs / tokens);
}
