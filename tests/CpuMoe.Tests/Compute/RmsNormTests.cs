using CpuMoe.Compute;

namespace CpuMoe.Tests.Compute;

public class RmsNormTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(128)]
    [InlineData(1000)]
    [InlineData(5120)]
    public void MatchesTheFormula(int length)
    {
        var random = new Random(length);
        float[] x = RandomBlocks.Floats(random, length, 30);
        float[] w = RandomBlocks.Floats(random, length, 2);
        float[] y = new float[length];
        RmsNorm.Apply(x, w, 1e-5f, y);
        Near.Equal(Reference(x, w, 1e-5f), y, 1e-6);

        // In place.
        RmsNorm.Apply(x, w, 1e-5f, x);
        Assert.Equal(y, x);
    }

    [Fact]
    public void EpsilonRulesVectorsThatAreNearlyZero()
    {
        float[] x = [1e-6f, -2e-6f, 0, 1e-7f];
        float[] w = [1, 2, 3, 4];
        float[] y = new float[4];
        RmsNorm.Apply(x, w, 1e-5f, y);
        Near.Equal(Reference(x, w, 1e-5f), y, 1e-6);
        RmsNorm.Apply(new float[4], w, 1e-5f, y);
        Assert.Equal(new float[4], y);
    }

    private static double[] Reference(float[] x, float[] w, float epsilon)
    {
        double meanOfSquares = x.Sum(v => (double)v * v) / x.Length;
        return [.. x.Zip(w, (v, weight) => v / Math.Sqrt(meanOfSquares + epsilon) * weight)];
    }
}
