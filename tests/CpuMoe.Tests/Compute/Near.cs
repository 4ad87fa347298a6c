namespace CpuMoe.Tests.Compute;

/// <summary>Comparison of float results with double-precision references.</summary>
internal static class Near
{
    /// <summary>Fails unless every value differs by at most <paramref name="tolerance"/> times the largest expected magnitude.</summary>
    public static void Equal(IReadOnlyList<double> expected, ReadOnlySpan<float> actual, double tolerance, string what = "")
    {
        Assert.Equal(expected.Count, actual.Length);
        double largest = expected.Max(Math.Abs);
        for (int i = 0; i < actual.Length; i++)
        {
            double error = Math.Abs(expected[i] - actual[i]);
            Assert.True(error <= tolerance * largest, $"{what} [{i}]: {actual[i]}, expected {expected[i]} (largest {largest}).");
        }
    }
}
