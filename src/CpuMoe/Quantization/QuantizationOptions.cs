namespace CpuMoe.Quantization;

/// <summary>How a quantised model is written.</summary>
public sealed record QuantizationOptions
{
    /// <summary>Threads that quantise; 0 means one per physical core.</summary>
    public int Threads { get; init; }

    /// <summary>The most tensor bytes of a file, to write a set of split files; null for a single file.</summary>
    public long? MaxPartBytes { get; init; }

    /// <summary>Whether files of the same name may be replaced.</summary>
    public bool Overwrite { get; init; }
}
