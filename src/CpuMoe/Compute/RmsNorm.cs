using System.Numerics.Tensors;

namespace CpuMoe.Compute;

/// <summary>Root-mean-square normalisation: y = x / sqrt(mean(x^2) + eps) * w.</summary>
/// <remarks>Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.</remarks>
internal static class RmsNorm
{
    /// <summary>Normalises one vector; <paramref name="y"/> may be <paramref name="x"/>.</summary>
    public static void Apply(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, float epsilon, Span<float> y)
    {
        float scale = 1 / MathF.Sqrt((TensorPrimitives.SumOfSquares(x) / x.Length) + epsilon);
        TensorPrimitives.Multiply(x, scale, y);
        TensorPrimitives.Multiply(y, weights, y);
    }
}
