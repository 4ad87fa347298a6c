using CpuMoe.Gguf;

namespace CpuMoe.Fitting;

/// <summary>How fast a machine multiplies weights of one format on all threads.</summary>
/// <param name="DecodeBytesPerSecond">Bytes of weights from RAM, with one activation.</param>
/// <param name="CacheBytesPerSecond">As before with weights in cache: what arithmetic alone allows.</param>
/// <param name="Prefill32PerSecond">Multiply-adds with 32 activations at once.</param>
/// <param name="Prefill512PerSecond">Multiply-adds with 512 activations at once.</param>
public sealed record KernelProfile(double DecodeBytesPerSecond, double CacheBytesPerSecond, double Prefill32PerSecond, double Prefill512PerSecond);

/// <summary>How fast a machine computes attention on all threads.</summary>
/// <param name="DecodePerSecond">Multiply-adds for one token.</param>
/// <param name="PrefillPerSecond">Multiply-adds for many tokens at once.</param>
public sealed record AttentionProfile(double DecodePerSecond, double PrefillPerSecond);

/// <summary>What a machine can do: measured by <see cref="MachineProbe"/>, given as JSON, or derived from a <see cref="Device"/>.</summary>
public sealed record MachineProfile
{
    /// <summary>What it is called.</summary>
    public required string Name { get; init; }

    /// <summary>Threads that compute.</summary>
    public required int Threads { get; init; }

    /// <summary>Bytes that a model process may use in all.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Bytes per second that all threads read from RAM.</summary>
    public required double ReadBytesPerSecond { get; init; }

    /// <summary>Bytes per second that the disk with the model gives to reads of experts; null where it is not known.</summary>
    public double? DiskBytesPerSecond { get; init; }

    /// <summary>Seconds that a parallel step of a pass takes beyond its share of the bandwidth.</summary>
    public required double RegionSeconds { get; init; }

    /// <summary>The speed of attention.</summary>
    public required AttentionProfile Attention { get; init; }

    /// <summary>The speed of matrix products by format of the weights.</summary>
    public required IReadOnlyDictionary<GgmlType, KernelProfile> Kernels { get; init; }

    /// <summary>Reads a profile as <c>cpumoe fit --json</c> writes it under <c>machine</c>.</summary>
    /// <param name="json">The text.</param>
    /// <param name="source">Where it comes from, for faults.</param>
    /// <exception cref="FitException">It is something else, or a figure is not possible.</exception>
    public static MachineProfile Parse(string json, string source)
    {
        MachineProfile machine = FitJson.Read(json, FitJson.Default.MachineProfile, source);
        Check(machine.Threads, "threads");
        Check(machine.MemoryBytes, "memory_bytes");
        Check(machine.ReadBytesPerSecond, "read_bytes_per_second");
        Check(machine.DiskBytesPerSecond ?? 1, "disk_bytes_per_second");
        Check(machine.RegionSeconds + double.Epsilon, "region_seconds");
        Check(Math.Min(machine.Attention.DecodePerSecond, machine.Attention.PrefillPerSecond), "attention");
        foreach ((GgmlType type, KernelProfile? kernel) in machine.Kernels)
        {
            double[] figures = kernel is null ? [0] : [kernel.DecodeBytesPerSecond, kernel.CacheBytesPerSecond, kernel.Prefill32PerSecond, kernel.Prefill512PerSecond];
            Check(figures.Min(), $"kernels.{type}");
        }

        return machine;

        void Check(double value, string key)
        {
            if (!double.IsFinite(value) || value <= 0)
            {
                throw new FitException($"{source}: {key} must hold positive numbers only");
            }
        }
    }

    /// <summary>The figures of a format.</summary>
    /// <exception cref="FitException">There are none.</exception>
    internal KernelProfile KernelOf(GgmlType type) => Kernels.TryGetValue(type, out KernelProfile? kernel) ? kernel
        : throw new FitException($"the profile of {Name} has no figures for {type}; measure it on a model that has such weights");
}
