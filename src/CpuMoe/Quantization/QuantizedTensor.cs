using CpuMoe.Gguf;

namespace CpuMoe.Quantization;

/// <summary>A tensor and the type it is to have.</summary>
/// <param name="Source">The tensor.</param>
/// <param name="Type">Its new type.</param>
public sealed record QuantizedTensor(GgufTensor Source, GgmlType Type)
{
    /// <summary>The size of its new data in bytes.</summary>
    public long ByteCount => Type.RowBytes(Source.ElementCount);
}
