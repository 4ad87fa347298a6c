using CpuMoe.Experts;

namespace CpuMoe.Fitting;

/// <summary>A machine by the figures of its data sheets.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Memory">RAM, such as <c>128GiB</c>.</param>
/// <param name="BandwidthGbS">The peak bandwidth of its RAM in 10^9 bytes per second: channels x bytes x transfers per second.</param>
/// <param name="Cores">Physical cores.</param>
/// <param name="DiskGbS">Reads of its disk in 10^9 bytes per second; null where paging is not of interest.</param>
/// <param name="Sources">By figure, where it comes from.</param>
public sealed record Device(
    string Name, string Memory, double BandwidthGbS, int Cores, double? DiskGbS = null, IReadOnlyDictionary<string, string>? Sources = null)
{
    /// <summary>The part of the peak bandwidth that plain reads get.</summary>
    /// <remarks>
    /// An estimate. Published results of STREAM lie around it, such as 0.73 to 0.79 of the wire rate in
    /// https://ti.com/document-viewer/lit/html/SPRACV1B/GUID-A0A441DF-C77D-4815-BFAA-2D5EC098B345 (small processors).
    /// </remarks>
    public const double BandwidthShare = 0.8;

    private const int MostCores = 1 << 12;

    /// <summary>Common machines, from <c>devices.json</c>.</summary>
    public static IReadOnlyList<Device> BuiltIn { get; } = FitJson.ReadEmbedded("devices.json", FitJson.Default.DeviceList).Devices;

    /// <summary>Reads <c>{"devices": [{"name": ..., "memory": "128GiB", "bandwidth_gb_s": 89.6, "cores": 16, "disk_gb_s": 7}]}</c>.</summary>
    /// <param name="json">The text.</param>
    /// <param name="source">Where it comes from, for faults.</param>
    /// <exception cref="FitException">It is something else, or a figure is not possible.</exception>
    public static IReadOnlyList<Device> Parse(string json, string source)
    {
        Device?[] devices = FitJson.Read(json, FitJson.Default.DeviceList, source).Devices;
        foreach (Device? device in devices)
        {
            if (device is null)
            {
                throw new FitException($"{source}: a device is null; an object is needed");
            }

            string? fault = !MemorySize.TryParse(device.Memory, out _) ? $"memory must be {MemorySize.Form}, not '{device.Memory}'"
                : !IsPositive(device.BandwidthGbS) ? "bandwidth_gb_s must be a positive number"
                : device.Cores is < 1 or > MostCores ? $"cores must be 1 to {MostCores}"
                : !IsPositive(device.DiskGbS ?? 1) ? "disk_gb_s must be a positive number, or be left out"
                : null;
            if (fault is not null)
            {
                throw new FitException($"{source}: device '{device.Name}': {fault}");
            }
        }

        return devices!;
    }

    /// <summary>What the machine can be expected to do.</summary>
    /// <remarks>
    /// A core is taken to compute as fast as one of <paramref name="here"/>, and a kernel to reach the part of its limit
    /// (bandwidth or arithmetic) that it reaches there.
    /// </remarks>
    /// <param name="here">The machine that was measured.</param>
    public MachineProfile ToMachine(MachineProfile here)
    {
        ArgumentNullException.ThrowIfNull(here);
        double cores = (double)Cores / here.Threads;
        double bandwidth = BandwidthGbS * 1e9 * BandwidthShare;
        long memory = MemorySize.Parse(Memory);
        return new MachineProfile
        {
            Name = Name,
            Threads = Cores,
            MemoryBytes = new MemoryLimits([new MemoryLimit(Name, memory, memory)]).AutoBudget,
            ReadBytesPerSecond = bandwidth,
            DiskBytesPerSecond = DiskGbS * 1e9,
            RegionSeconds = here.RegionSeconds,
            Attention = new AttentionProfile(here.Attention.DecodePerSecond * cores, here.Attention.PrefillPerSecond * cores),
            Kernels = here.Kernels.ToDictionary(kernel => kernel.Key, kernel => Scale(kernel.Value)),
        };

        KernelProfile Scale(KernelProfile kernel)
        {
            double reached = Math.Min(1, kernel.DecodeBytesPerSecond / Math.Min(here.ReadBytesPerSecond, kernel.CacheBytesPerSecond));
            double cache = kernel.CacheBytesPerSecond * cores;
            return new KernelProfile(reached * Math.Min(bandwidth, cache), cache, kernel.Prefill32PerSecond * cores, kernel.Prefill512PerSecond * cores);
        }
    }

    private static bool IsPositive(double value) => double.IsFinite(value) && value > 0;
}

/// <summary>The devices of a file.</summary>
internal sealed record DeviceList(Device[] Devices);
