using CpuMoe.Blocks;
using CpuMoe.Compute;
using CpuMoe.Gguf;

namespace CpuMoe.Tests.Compute;

/// <summary>The loops around the dot products, for every format, against products in double precision.</summary>
public unsafe class MatMulKernelTests
{
    private const int Columns = 512;
    private const int Rows = 21;
    private const int Activations = 7;

    public static TheoryData<GgmlType> Types => [.. BlockFormats.Supported];

    [Theory]
    [MemberData(nameof(Types))]
    public void FastProductsAreWithinTheRoundingOfTheActivations(GgmlType type)
    {
        using var weights = new RandomMatrix(new Random((int)type), type, Rows, Columns);
        MatMulKernel kernel = weights.On(MatMulPath.Fast).Kernel;
        Check(weights, MatMulPath.Fast, (row, x) =>
        {
            // A code is off by half a step, a step being a 127th of the largest magnitude that shares its scale.
            int perScale = kernel.Activation switch { ActivationFormat.Q8Per32 => 32, ActivationFormat.Q8Per256 => 256, _ => 0 };
            double[] steps = perScale == 0 ? [0] : [.. x.Chunk(perScale).Select(shared => shared.Max(MathF.Abs) / 127)];
            double bound = 0;
            for (int i = 0; i < Columns; i++)
            {
                bound += Math.Abs(row[i]) * ((0.5001 * steps[perScale == 0 ? 0 : i / perScale]) + (1e-6 * Math.Abs(x[i])));
            }

            return bound + 1e-7;
        });
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void ReferenceProductsAreExact(GgmlType type)
    {
        using var weights = new RandomMatrix(new Random((int)type + 100), type, Rows, Columns);
        Assert.Equal(ActivationFormat.F32, weights.On(MatMulPath.Reference).Kernel.Activation);
        Check(weights, MatMulPath.Reference, (row, x) => row.Zip(x, (w, v) => Math.Abs(w * v)).Sum() * 1e-7);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void DequantizeRowGivesTheValues(GgmlType type)
    {
        using var weights = new RandomMatrix(new Random((int)type + 200), type, 3, Columns);
        foreach (MatMulPath path in Enum.GetValues<MatMulPath>())
        {
            WeightMatrix matrix = weights.On(path);
            float[] values = new float[Columns];
            fixed (float* y = values)
            {
                matrix.Kernel.DequantizeRow(matrix, 2, y);
            }

            Assert.Equal(weights.Values[2], values);
        }
    }

    [Fact]
    public void TypesTheEngineCannotComputeWithHaveNoKernel()
    {
        foreach (GgmlType type in Enum.GetValues<GgmlType>().Where(t => !BlockFormats.IsSupported(t)))
        {
            Assert.Null(MatMulKernel.For(type, MatMulPath.Fast));
            Assert.Null(MatMulKernel.For(type, MatMulPath.Reference));
        }
    }

    /// <summary>Multiplies all rows, a part of the rows, and a list of activations out of order.</summary>
    private static void Check(RandomMatrix weights, MatMulPath path, Func<float[], float[], double> bound)
    {
        using var pool = new WorkerPool(1);
        using var x = new ActivationMatrix(Activations, Columns);
        x.Begin(Activations, 0);
        float[] values = RandomBlocks.Floats(new Random(1), Activations * Columns, 3);
        values.CopyTo(new Span<float>(x.Values, values.Length));
        WeightMatrix matrix = weights.On(path);
        x.Prepare(matrix.Kernel.Activation, pool);

        CheckPart(0, Rows, null, 0);
        CheckPart(0, Rows, null, Activations);
        CheckPart(5, 6, null, 3);
        CheckPart(16, Rows, [6, 0, 3, 3], 1);
        CheckPart(0, Rows, [6, 0, 3, 3, 1, 2, 5, 4, 4, 1, 0], 0);

        void CheckPart(int firstRow, int endRow, int[]? index, int tiled)
        {
            const int Stride = Rows + 2;
            int count = index?.Length ?? Activations;
            float[] y = new float[count * Stride];
            Array.Fill(y, float.NaN);
            fixed (float* results = y)
            fixed (int* list = index)
            {
                matrix.Kernel.Multiply(matrix, firstRow, endRow, x.View(matrix.Kernel.Activation), list, count, tiled, results, Stride);
            }

            for (int c = 0; c < count; c++)
            {
                float[] activation = values[((index?[c] ?? c) * Columns)..][..Columns];
                double[] expected = weights.Times(activation);
                for (int r = firstRow; r < endRow; r++)
                {
                    double most = bound(weights.Values[r], activation);
                    Assert.InRange(y[(c * Stride) + r - firstRow] - expected[r], -most, most);
                }

                Assert.All(y[((c * Stride) + endRow - firstRow)..((c + 1) * Stride)], rest => Assert.True(float.IsNaN(rest), "Wrote beyond the rows."));
            }
        }
    }
}
