using CpuMoe.Experts;
using CpuMoe.Gguf;

namespace CpuMoe.Models;

/// <summary>How weights are multiplied with activations.</summary>
public enum ComputePath
{
    /// <summary>Vector kernels on 8-bit activations: the normal path.</summary>
    Fast,

    /// <summary>Scalar, weights dequantised to F32, F32 activations: what the file means, for comparisons. Very slow.</summary>
    Reference,
}

/// <summary>The number format of the key/value cache.</summary>
public enum KvType
{
    /// <summary>16-bit floats.</summary>
    F16,

    /// <summary>8-bit codes with one scale per 32 values: about half of F16.</summary>
    Q8_0,

    /// <summary>32-bit floats.</summary>
    F32,
}

/// <summary>Options for loading a model.</summary>
public sealed record ModelOptions
{
    /// <summary>The largest value of <see cref="Threads"/>.</summary>
    public const int MaxThreads = 1024;

    /// <summary>The largest value of <see cref="BatchSize"/>.</summary>
    public const int MaxBatchSize = 4096;

    /// <summary>Worker threads; 0 means one per physical core.</summary>
    public int Threads { get; init; }

    /// <summary>The numeric path.</summary>
    public ComputePath Compute { get; init; }

    /// <summary>The most tokens evaluated in one pass over the weights during prefill, 1 to 4096.</summary>
    public int BatchSize { get; init; } = 512;

    /// <summary>
    /// The memory that the process keeps for the model. A model that fits is mapped; of one that does not, the experts
    /// are read from the disk as they are needed.
    /// </summary>
    public MemoryBudget MemoryBudget { get; init; }

    /// <summary>
    /// Where a paged model remembers which experts were wanted most, to read them in the background when it is loaded
    /// again; null for nowhere.
    /// </summary>
    public string? WarmStartFolder { get; init; }

    /// <summary>A file to record in which experts each pass asks for, see <see cref="Experts.ExpertTrace"/>; null for none.</summary>
    public string? ExpertTraceFile { get; init; }

    /// <summary>Pages the experts with this much memory for them, whatever the budget: for tests of small caches.</summary>
    internal long? ExpertCacheBytes { get; init; }

    /// <summary>Reads the files of a paged model, for tests with faults; null for the disk.</summary>
    internal Func<GgufFile, IWeightReader>? OpenReader { get; init; }
}
