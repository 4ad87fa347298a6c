using CpuMoe.Compute;
using CpuMoe.Gguf;

namespace CpuMoe.Tests.Compute;

public unsafe class ProjectionTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 2)]
    [InlineData(64, 3)]
    [InlineData(65, 2)]
    [InlineData(150, 5)]
    public void AllPartsMatchTheDefinition(int rows, int threads)
    {
        const int Columns = 64;
        const int Stride = 70;
        var random = new Random(rows);
        using var pool = new WorkerPool(threads);
        using var x = RandomActivations(random, rows, Columns, out float[] values);
        using var first = new RandomMatrix(random, GgmlType.F32, 64, Columns);
        using var second = new RandomMatrix(random, GgmlType.Q8_0, 33, Columns);
        using var third = new RandomMatrix(random, GgmlType.F16, 1, Columns);
        using var fourth = new RandomMatrix(random, GgmlType.Q4_0, 17, Columns);
        float[] bias = RandomBlocks.Floats(random, 33, 10);
        float[] before = RandomBlocks.Floats(random, rows * Stride, 10);
        float[][] results = [.. Enumerable.Range(0, 4).Select(_ => before.ToArray())];
        fixed (float* b = bias, y0 = results[0], y1 = results[1], y2 = results[2], y3 = results[3])
        {
            // Stored formats on the exact path, so that the tolerance can be that of floats.
            new Projection(pool).Run(
                x,
                new ProjectionPart(first.On(MatMulPath.Fast), null, y0, Stride),
                new ProjectionPart(second.On(MatMulPath.Reference), b, y1, Stride),
                new ProjectionPart(third.On(MatMulPath.Fast), null, y2, Stride, accumulate: true),
                new ProjectionPart(fourth.On(MatMulPath.Reference), null, y3, Stride, accumulate: true));
        }

        CheckPart(results[0], (input, _) => first.Times(input));
        CheckPart(results[1], (input, _) => [.. second.Times(input).Zip(bias, (y, b) => y + b)]);
        CheckPart(results[2], (input, old) => [.. third.Times(input).Zip(old, (y, o) => y + o)]);
        CheckPart(results[3], (input, old) => [.. fourth.Times(input).Zip(old, (y, o) => y + o)]);

        void CheckPart(float[] actual, Func<float[], float[], double[]> reference)
        {
            // All rows at once: the tolerance is relative to the largest result, and a single one may have cancelled.
            var expected = new List<double>();
            var written = new List<float>();
            for (int row = 0; row < rows; row++)
            {
                float[] old = before[(row * Stride)..][..Stride];
                double[] outputs = reference(values[(row * Columns)..][..Columns], old);
                float[] result = actual[(row * Stride)..][..Stride];
                expected.AddRange(outputs);
                written.AddRange(result[..outputs.Length]);
                Assert.Equal(old[outputs.Length..], result[outputs.Length..]);
            }

            Near.Equal(expected, [.. written], 1e-6);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ARowGivesTheSameBitsInAnyBatchOnAnyThreads(bool isTiled)
    {
        const int Columns = 256;
        var random = new Random(3);
        using var weights = new RandomMatrix(random, GgmlType.Q4_K, 50, Columns);
        float[] values = RandomBlocks.Floats(random, 130 * Columns);
        float[] all = Run(0, 130, 4);
        foreach ((int first, int rows, int threads) in ((int, int, int)[])[(0, 1, 1), (129, 1, 2), (63, 5, 3), (10, 100, 1), (3, 70, 3)])
        {
            Assert.Equal(all[(first * 50)..((first + rows) * 50)], Run(first, rows, threads));
        }

        float[] Run(int first, int rows, int threads)
        {
            using var pool = new WorkerPool(threads);
            using var x = new ActivationMatrix(rows, Columns);
            x.Begin(rows, isTiled ? rows : 0);
            values.AsSpan(first * Columns, rows * Columns).CopyTo(new Span<float>(x.Values, rows * Columns));
            float[] results = new float[rows * 50];
            fixed (float* y = results)
            {
                new Projection(pool).Run(x, new ProjectionPart(weights.On(MatMulPath.Fast), null, y, 50));
            }

            return results;
        }
    }

    private static ActivationMatrix RandomActivations(Random random, int rows, int columns, out float[] values)
    {
        var x = new ActivationMatrix(rows, columns);
        x.Begin(rows, rows - (rows / 3));
        values = RandomBlocks.Floats(random, rows * columns, 2);
        values.CopyTo(new Span<float>(x.Values, values.Length));
        return x;
    }
}
