using System.Runtime.Intrinsics.X86;
using CpuMoe.Compute;
using CpuMoe.Gguf;
using CpuMoe.Testing;
using CpuMoe.Tests.Blocks;

namespace CpuMoe.Tests.Compute;

/// <summary>Products with unpacked tiles against the dot products of single rows.</summary>
public sealed unsafe class TileProductTests
{
    private const int Rows = 32;

    public static TheoryData<GgmlType> Types => [.. TestRows.Types.Where(type => type.ValuesPerBlock() > 1)];

    [Theory]
    [MemberData(nameof(Types))]
    public void RandomBlocksAgreeWithTheDotProduct(GgmlType type)
    {
        var random = new Random((int)type);
        foreach (int blocks in (int[])[1, 2, 3, 8, 11])
        {
            byte[] weights = TestRows.Random(FormatUnderTest.Of(type), Rows * blocks, random);
            foreach (int count in (int[])[4, 5, 7, 8, 33])
            {
                float[] values = RandomBlocks.Floats(random, count * blocks * type.ValuesPerBlock(), 2);
                Check(type, blocks, weights, values, [.. Enumerable.Range(0, count).Select(_ => random.Next(count))]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void CodesAtTheirEndsDoNotOverflow(GgmlType type)
    {
        const int Blocks = 2;
        foreach (byte fill in (byte[])[0x00, 0x7f, 0x80, 0xff])
        {
            byte[] weights = TestRows.Constant(FormatUnderTest.Of(type), Rows * Blocks, fill, (Half)(-0.3f));
            foreach (float value in (float[])[1, -1])
            {
                // Every activation gets the code 127 or -127.
                float[] values = new float[6 * Blocks * type.ValuesPerBlock()];
                values.AsSpan().Fill(value);
                Check(type, Blocks, weights, values, [0, 1, 2, 3, 4, 5]);
            }
        }
    }

    private static void Check(GgmlType type, int blocks, byte[] weights, float[] values, int[] index)
    {
        Assert.SkipUnless(Avx2.IsSupported, "Tiles need AVX2.");
        // Unpacking may not read past the last row, nor the products past the last activation.
        int columns = blocks * type.ValuesPerBlock();
        using GuardedBuffer guarded = GuardedBuffer.Of<byte>(weights);
        MatMulKernel kernel = MatMulKernel.For(type, MatMulPath.Fast)!;
        var matrix = new WeightMatrix(guarded.Start, Rows, columns, type.RowBytes(columns), kernel);
        using var pool = new WorkerPool(1);
        using var x = new ActivationMatrix(values.Length / columns, columns);
        x.Begin(values.Length / columns, 0);
        values.CopyTo(new Span<float>(x.Values, values.Length));
        x.Prepare(kernel.Activation, pool);

        const int Stride = Rows + 3;
        float[] tiled = new float[index.Length * Stride];
        float[] single = new float[Rows];
        float[] row = new float[columns];
        tiled.AsSpan().Fill(float.NaN);
        fixed (float* results = tiled, expected = single, numbers = row)
        fixed (int* list = index)
        {
            kernel.Multiply(matrix, 0, Rows, x.View(kernel.Activation), list, index.Length, index.Length, results, Stride);
            for (int c = 0; c < index.Length; c++)
            {
                kernel.Multiply(matrix, 0, Rows, x.View(kernel.Activation).From(index[c]), null, 1, 0, expected, Rows);
                for (int r = 0; r < Rows; r++)
                {
                    kernel.DequantizeRow(matrix, r, numbers);
                    double magnitude = 0;
                    for (int i = 0; i < columns; i++)
                    {
                        magnitude += Math.Abs((double)row[i] * values[(index[c] * columns) + i]);
                    }

                    // Codes are made unsigned and their surplus is taken off again: it counts for the rounding.
                    double most = 1e-4 * (magnitude + 1e-3);
                    Assert.InRange(tiled[(c * Stride) + r] - single[r], -most, most);
                }

                Assert.All(tiled[((c * Stride) + Rows)..((c + 1) * Stride)], rest => Assert.True(float.IsNaN(rest), "Wrote beyond the rows."));
            }
        }
    }
}
