using CpuMoe.Diagnostics;
using CpuMoe.Experts;
using CpuMoe.Gguf;

namespace CpuMoe.Fitting;

/// <summary>Measures what <see cref="MachineProfile"/> holds of this machine: about ten seconds for all formats.</summary>
public static class MachineProbe
{
    private const int FewColumns = 32;
    private const int ManyColumns = 512;

    // About the weights of a step of a pass.
    private const long RegionBytes = 8L << 20;

    // Everything was compiled before.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(30);

    private static readonly TimeSpan ProjectionTime = TimeSpan.FromMilliseconds(80);

    /// <summary>Measures.</summary>
    /// <param name="types">The formats of weights to measure.</param>
    /// <param name="threads">Threads that compute; 0 means one per physical core.</param>
    /// <param name="onDisk">A model on the disk that matters, the larger the better; null leaves the disk out.</param>
    /// <param name="cancellationToken">Ends the measurement.</param>
    /// <exception cref="FitException">The engine does not compute with one of the formats.</exception>
    /// <exception cref="OutOfMemoryException">The system lacks the memory to read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static MachineProfile Measure(IEnumerable<GgmlType> types, int threads = 0, GgufFile? onDisk = null, CancellationToken cancellationToken = default)
    {
        GgmlType[] formats = [.. types.Distinct()];
        GgmlType[] unknown = [.. formats.Except(KernelProbe.Formats)];
        if (unknown.Length > 0)
        {
            throw new FitException($"the engine does not compute with {string.Join(", ", unknown)}");
        }

        // First: the memory of the probes is not the model's.
        long memory = MemoryLimits.Read().AutoBudget + Environment.WorkingSet;
        double? disk = onDisk is null ? null : DiskBandwidth.Measure(onDisk, cancellationToken);
        double bandwidth = MemoryBandwidth.Measure(threads, cancellationToken);
        using var probe = new KernelProbe(threads);
        probe.WarmUp(formats, cancellationToken);
        Dictionary<GgmlType, KernelProfile> kernels = formats.ToDictionary(format => format, format => new KernelProfile(
            Bytes(format, new KernelShape(1)),
            Bytes(format, new KernelShape(1, InCache: true)),
            Products(format, FewColumns),
            Products(format, ManyColumns)));
        double region = probe.MeasureRegion(GgmlType.Q8_0, RegionBytes, Patience, cancellationToken)
            - (RegionBytes / Bytes(GgmlType.Q8_0, new KernelShape(1)));
        (double decode, double prefill) = AttentionProbe.Measure(threads, Patience, cancellationToken);
        return new MachineProfile
        {
            Name = "this machine",
            Threads = probe.Threads,
            MemoryBytes = memory,
            ReadBytesPerSecond = bandwidth,
            DiskBytesPerSecond = disk,
            RegionSeconds = Math.Max(0, region),
            Attention = new AttentionProfile(decode, prefill),
            Kernels = kernels,
        };

        double Bytes(GgmlType format, KernelShape shape) => probe.Measure(format, shape, Patience, cancellationToken).BytesPerSecond;

        double Products(GgmlType format, int columns) => probe.MeasureProjection(format, columns, ProjectionTime, cancellationToken);
    }
}
