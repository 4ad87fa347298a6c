using System.Runtime.Intrinsics.X86;
using CpuMoe.Blocks;
using CpuMoe.Compute;
using CpuMoe.Gguf;
using CpuMoe.Testing;
using CpuMoe.Tests.Blocks;

namespace CpuMoe.Tests.Compute;

/// <summary>Products of float weights with many activations, against sums in double precision.</summary>
public sealed unsafe class FloatTileProductTests
{
    private const int MaxCount = 40;
    private const int MaxRows = 71;

    public static TheoryData<GgmlType> Types => [.. TestRows.Types.Where(type => type.ValuesPerBlock() == 1)];

    [Theory]
    [MemberData(nameof(Types))]
    public void AnyNumberOfRowsColumnsAndActivations(GgmlType type)
    {
        var random = new Random((int)type);
        (int Rows, int Columns)[] sizes = [(32, 256), (1, 64), (7, 131), (31, 17), (33, 1), (64, 300), (MaxRows, 130), (32, 515)];
        foreach ((int rows, int columns) in sizes)
        {
            using var product = new Product(type, rows, columns, random);
            for (int count = 1; count <= MaxCount; count++)
            {
                product.Check(0, rows, null, count);
            }

            product.Check(rows / 3, rows, null, 9);
            product.Check(0, (rows + 1) / 2, null, 12);
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void ActivationsInAnyOrder(GgmlType type)
    {
        var random = new Random((int)type + 100);
        using var product = new Product(type, 45, 200, random);
        foreach (int count in (int[])[1, 3, 6, 11, 18, MaxCount])
        {
            product.Check(0, 45, [.. Enumerable.Range(0, count).Select(_ => random.Next(MaxCount))], count);
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void WhereRowsAreCutMakesNoDifference(GgmlType type)
    {
        const int Count = 17;
        using var product = new Product(type, MaxRows, 300, new Random((int)type + 200));
        float[] whole = product.Multiply(0, MaxRows, null, Count);
        for (int first = 0; first < MaxRows; first += 32)
        {
            int rows = Math.Min(32, MaxRows - first);
            float[] part = product.Multiply(first, first + rows, null, Count);
            for (int c = 0; c < Count; c++)
            {
                Assert.Equal(whole.AsSpan((c * Product.Stride) + first, rows), part.AsSpan(c * Product.Stride, rows));
            }
        }
    }

    [Fact]
    public void FloatTilesServeTheFloatFormatsOnly()
    {
        Assert.SkipUnless(Avx2.IsSupported, "Tiles need AVX2.");
        Assert.True(FloatTileProduct<F32>.Serves(MaxCount));
        Assert.True(FloatTileProduct<F16>.Serves(MaxCount));
        Assert.True(FloatTileProduct<BF16>.Serves(MaxCount));
        Assert.False(FloatTileProduct<F16>.Serves(0));
        Assert.False(FloatTileProduct<Q8_0>.Serves(MaxCount));
    }

    /// <summary>Weights and activations that end at guard pages: a read behind either ends the test process.</summary>
    private sealed class Product : IDisposable
    {
        public const int Stride = MaxRows + 3;

        private readonly int _columns;
        private readonly float[] _values;
        private readonly float[][] _rows;
        private readonly GuardedBuffer _weights;
        private readonly GuardedBuffer _activations;
        private readonly WeightMatrix _matrix;

        public Product(GgmlType type, int rows, int columns, Random random)
        {
            _columns = columns;
            byte[] bytes = RandomBlocks.Row(random, type, rows * columns, 1);
            _weights = GuardedBuffer.Of<byte>(bytes);
            _rows = [.. FormatUnderTest.Of(type).Dequantize(bytes).Chunk(columns)];
            _values = RandomBlocks.Floats(random, MaxCount * columns, 2);
            _activations = GuardedBuffer.Of<float>(_values);
            _matrix = new WeightMatrix(_weights.Start, rows, columns, type.RowBytes(columns), MatMulKernel.For(type, MatMulPath.Fast)!);
        }

        public float[] Multiply(int firstRow, int endRow, int[]? index, int count)
        {
            // Without a list the activations are the last ones, which end at the guard page.
            var activations = new ActivationRows(new ActivationRow((float*)_activations.Start, null, null, null), _columns, 0, 0);
            float[] y = new float[count * Stride];
            y.AsSpan().Fill(float.NaN);
            fixed (float* results = y)
            fixed (int* list = index)
            {
                _matrix.Kernel.Multiply(_matrix, firstRow, endRow, index == null ? activations.From(MaxCount - count) : activations, list, count, count, results, Stride);
            }

            return y;
        }

        public void Check(int firstRow, int endRow, int[]? index, int count)
        {
            float[] y = Multiply(firstRow, endRow, index, count);
            for (int c = 0; c < count; c++)
            {
                ReadOnlySpan<float> x = _values.AsSpan((index?[c] ?? (MaxCount - count + c)) * _columns, _columns);
                for (int r = firstRow; r < endRow; r++)
                {
                    (double expected, double magnitude) = Sum(_rows[r], x);
                    Assert.InRange(y[(c * Stride) + r - firstRow] - expected, -1e-6 * magnitude, 1e-6 * magnitude);
                }

                Assert.All(y[((c * Stride) + endRow - firstRow)..((c + 1) * Stride)], rest => Assert.True(float.IsNaN(rest), "Wrote beyond the rows."));
            }
        }

        public void Dispose()
        {
            _weights.Dispose();
            _activations.Dispose();
        }

        private static (double Sum, double Magnitude) Sum(float[] row, ReadOnlySpan<float> x)
        {
            double sum = 0, magnitude = 0;
            for (int i = 0; i < row.Length; i++)
            {
                double product = (double)row[i] * x[i];
                sum += product;
                magnitude += Math.Abs(product);
            }

            return (sum, magnitude);
        }
    }
}
