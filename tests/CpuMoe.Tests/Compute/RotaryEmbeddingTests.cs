using CpuMoe.Compute;

namespace CpuMoe.Tests.Compute;

public unsafe class RotaryEmbeddingTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(65535)]
    [InlineData(131068)]
    public void TurnsPairsHalfTheRotatedWidthApart(int first)
    {
        const int Dims = 64;
        const int Length = 128;
        using var rotary = new RotaryEmbedding(Dims, 1_000_000, maxRows: 4);
        rotary.Prepare([first, first + 1, first + 2, first + 3]);
        for (int row = 0; row < 4; row++)
        {
            float[] head = RandomBlocks.Floats(new Random(first + row), Length);
            double[] expected = [.. head];
            for (int c = 0; c < Dims / 2; c++)
            {
                double angle = (first + row) * Math.Pow(1_000_000, -2.0 * c / Dims);
                expected[c] = (head[c] * Math.Cos(angle)) - (head[c + (Dims / 2)] * Math.Sin(angle));
                expected[c + (Dims / 2)] = (head[c] * Math.Sin(angle)) + (head[c + (Dims / 2)] * Math.Cos(angle));
            }

            float[] untouched = head[Dims..];
            fixed (float* h = head)
            {
                rotary.Apply(h, row);
            }

            Near.Equal(expected, head, 3e-7);
            Assert.Equal(untouched, head[Dims..]);
        }
    }

    [Fact]
    public void PositionZeroChangesNothing()
    {
        float[] head = RandomBlocks.Floats(new Random(1), 32);
        float[] before = [.. head];
        using var rotary = new RotaryEmbedding(32, 10_000, maxRows: 1);
        rotary.Prepare([0]);
        fixed (float* h = head)
        {
            rotary.Apply(h, 0);
        }

        Assert.Equal(before, head);
    }

    [Fact]
    public void ProductsDependOnTheDistanceOnly()
    {
        float[] query = RandomBlocks.Floats(new Random(2), 64);
        float[] key = RandomBlocks.Floats(new Random(3), 64);
        double near = Product(5, 2);
        Assert.Equal(near, Product(131071, 131068), 1e-5);
        Assert.NotEqual(near, Product(5, 4), 1e-3);

        double Product(int queryPosition, int keyPosition) => Turned(query, queryPosition).Zip(Turned(key, keyPosition), (a, b) => (double)a * b).Sum();
    }

    private static float[] Turned(float[] vector, int position)
    {
        using var rotary = new RotaryEmbedding(64, 10_000, maxRows: 1);
        rotary.Prepare([position]);
        float[] turned = [.. vector];
        fixed (float* v = turned)
        {
            rotary.Apply(v, 0);
        }

        return turned;
    }
}
