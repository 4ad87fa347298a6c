using CpuMoe.Gguf;
using CpuMoe.Quantization;

namespace CpuMoe.QuantizeComparison;

/// <summary>How far quantised tensors are from their originals.</summary>
/// <param name="SquaredErrors">The sum of the squared differences.</param>
/// <param name="Values">How many values there are.</param>
internal readonly record struct TensorError(double SquaredErrors, long Values)
{
    // A whole number of the blocks of every format.
    private const int TileValues = 4096;

    /// <summary>The root of the mean square.</summary>
    public double Root => Math.Sqrt(SquaredErrors / Values);

    public static TensorError operator +(TensorError one, TensorError other) => new(one.SquaredErrors + other.SquaredErrors, one.Values + other.Values);

    /// <summary>Compares a tensor with its original.</summary>
    public static unsafe TensorError Of(GgufTensor original, GgufTensor quantized)
    {
        RowCodec from = RowCodec.Of(original.Type)!;
        RowCodec to = RowCodec.Of(quantized.Type)!;
        float* expected = stackalloc float[TileValues];
        float* actual = stackalloc float[TileValues];
        double sum = 0;
        fixed (byte* source = original.Bytes, target = quantized.Bytes)
        {
            for (long first = 0; first < original.ElementCount; first += TileValues)
            {
                int count = (int)Math.Min(TileValues, original.ElementCount - first);
                from.Read(source + original.Type.RowBytes(first), count / from.ValuesPerBlock, expected);
                to.Read(target + quantized.Type.RowBytes(first), count / to.ValuesPerBlock, actual);
                for (int i = 0; i < count; i++)
                {
                    double error = (double)expected[i] - actual[i];
                    sum += error * error;
                }
            }
        }

        return new TensorError(sum, original.ElementCount);
    }
}
