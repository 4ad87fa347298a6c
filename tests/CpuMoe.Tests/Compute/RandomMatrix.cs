using CpuMoe.Compute;
using CpuMoe.Gguf;
using CpuMoe.Tests.Blocks;

namespace CpuMoe.Tests.Compute;

/// <summary>A random weight matrix in native memory, and the numbers it stands for.</summary>
internal sealed unsafe class RandomMatrix : IDisposable
{
    private readonly NativeBuffer<byte> _bytes;

    public RandomMatrix(Random random, GgmlType type, int rows, int columns, float magnitude = 1)
    {
        Type = type;
        _bytes = new NativeBuffer<byte>(rows * type.RowBytes(columns));
        Values = new float[rows][];
        for (int r = 0; r < rows; r++)
        {
            byte[] row = RandomBlocks.Row(random, type, columns, magnitude);
            row.CopyTo(new Span<byte>(_bytes.Pointer + (r * type.RowBytes(columns)), row.Length));
            Values[r] = FormatUnderTest.Of(type).Dequantize(row);
        }
    }

    public GgmlType Type { get; }

    /// <summary>[rows][columns].</summary>
    public float[][] Values { get; }

    public WeightMatrix On(MatMulPath path) =>
        new(_bytes.Pointer, Values.Length, Values[0].Length, Type.RowBytes(Values[0].Length), MatMulKernel.For(Type, path)!);

    /// <summary>The product with a vector, in double precision.</summary>
    public double[] Times(ReadOnlySpan<float> x)
    {
        double[] y = new double[Values.Length];
        for (int r = 0; r < y.Length; r++)
        {
            for (int c = 0; c < x.Length; c++)
            {
                y[r] += (double)Values[r][c] * x[c];
            }
        }

        return y;
    }

    public void Dispose() => _bytes.Dispose();
}
