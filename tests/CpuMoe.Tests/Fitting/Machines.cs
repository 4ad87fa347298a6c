using CpuMoe.Diagnostics;
using CpuMoe.Fitting;

namespace CpuMoe.Tests.Fitting;

/// <summary>Machines with round figures.</summary>
internal static class Machines
{
    /// <summary>A machine whose kernels read at the rate of its memory.</summary>
    public static MachineProfile Of(double bandwidth = 50e9, long memory = 64L << 30, double? disk = 2e9, double products = 200e9) => new()
    {
        Name = "test",
        Threads = 8,
        MemoryBytes = memory,
        ReadBytesPerSecond = bandwidth,
        DiskBytesPerSecond = disk,
        RegionSeconds = 0,
        Attention = new AttentionProfile(products, products),
        Kernels = KernelProbe.Formats.ToDictionary(format => format, _ => new KernelProfile(bandwidth, 2 * bandwidth, products, products)),
    };
}
