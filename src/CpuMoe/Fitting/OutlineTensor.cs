using CpuMoe.Gguf;

namespace CpuMoe.Fitting;

/// <summary>A tensor without its data.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Dimensions">Row length first, as many as the file writes.</param>
internal sealed record OutlineTensor(string Name, GgmlType Type, long[] Dimensions)
{
    /// <summary>The number of values.</summary>
    public long ElementCount { get; } = Dimensions.Aggregate(1L, (product, dimension) => checked(product * dimension));

    /// <summary>The size of its data.</summary>
    public long ByteCount => Type.RowBytes(ElementCount);
}
