namespace CpuMoe.Experts;

/// <summary>Placeholder of the helper's.</summary>
internal static class MemoryLimits
{
    public static long Available() => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes - GC.GetGCMemoryInfo().MemoryLoadBytes;
}
