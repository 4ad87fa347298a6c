using System.Numerics.Tensors;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct F16
{
    /// <inheritdoc/>
    public static bool CanQuantize => true;

    /// <summary>Rounds to the nearest half, ties to even.</summary>
    public static void Quantize(float* values, int blocks, byte* row)
        => TensorPrimitives.ConvertToHalf(new ReadOnlySpan<float>(values, blocks), new Span<Half>(row, blocks));
}
