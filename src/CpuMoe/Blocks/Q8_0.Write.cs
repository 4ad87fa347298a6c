using System.Numerics.Tensors;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q8_0
{
    // Below, the inverse would be infinite; the scale is zero as a half long before.
    private const float SmallestScale = 1e-37f;

    /// <inheritdoc/>
    public static bool CanQuantize => true;

    /// <summary>
    /// The largest magnitude of a block becomes code 127 or -127, the others go to the nearest code, halves away from
    /// zero: a search for a better scale would gain nothing that 8 bits could show. ggml writes the same bytes.
    /// </summary>
    public static void Quantize(float* values, int blocks, byte* row)
    {
        for (int b = 0; b < blocks; b++, values += 32, row += 34)
        {
            float scale = MathF.Abs(TensorPrimitives.MaxMagnitude(new ReadOnlySpan<float>(values, 32))) / 127;
            float inverse = scale < SmallestScale ? 0 : 1 / scale;
            Float16.Write(row, (Half)scale);
            for (int i = 0; i < 32; i++)
            {
                row[Codes + i] = (byte)(sbyte)MathF.Round(values[i] * inverse, MidpointRounding.AwayFromZero);
            }
        }
    }
}
