using System.Numerics.Tensors;
using CpuMoe.Generation;

namespace CpuMoe.Synth;

/// <summary>Values of the standard normal distribution, to be drawn from by index: one look-up instead of two logarithms.</summary>
internal static class NormalTable
{
    /// <summary>The number of values, a power of two.</summary>
    public const int Length = 4096;

    /// <summary>The values; their mean is 0 and their variance 1.</summary>
    public static float[] Values { get; } = Draw();

    private static float[] Draw()
    {
        Xoshiro256 random = new(seed: 1);
        float[] values = new float[Length];
        for (int i = 0; i < Length; i++)
        {
            // Box and Muller, "A Note on the Generation of Random Normal Deviates" (1958); 1 - u is never 0.
            double radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            values[i] = (float)(radius * Math.Cos(2 * Math.PI * random.NextDouble()));
        }

        TensorPrimitives.Subtract(values, TensorPrimitives.Average<float>(values), values);
        TensorPrimitives.Divide(values, MathF.Sqrt(TensorPrimitives.SumOfSquares<float>(values) / Length), values);
        return values;
    }
}
