using CpuMoe.Gguf;

namespace CpuMoe.Tests.Quantization;

/// <summary>The least squared errors that a group of values can have, found by trying very many scales; slow.</summary>
internal static class ExhaustiveFit
{
    private const int SymmetricScales = 2000;
    private const int AffineScales = 200;
    private const int AffineStarts = 40;

    /// <summary>Values that share a scale, their codes, whether they share an offset too, and whether that may be positive.</summary>
    public static (int Length, int Lowest, int Highest, bool HasOffset, bool IsOffsetFree) ShapeOf(GgmlType type) => type switch
    {
        GgmlType.Q4_0 => (32, -8, 7, false, false),
        GgmlType.Q5_0 => (32, -16, 15, false, false),
        GgmlType.Q5_1 => (32, 0, 31, true, true),
        GgmlType.Q6_K => (16, -32, 31, false, false),
        GgmlType.Q5_K => (32, 0, 31, true, false),
        GgmlType.Q4_K => (32, 0, 15, true, false),
        GgmlType.Q3_K => (16, -4, 3, false, false),
        GgmlType.Q2_K => (16, 0, 3, true, false),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>What the squared error of each value of a group counts: all the same in formats with offsets, else more for large ones.</summary>
    public static double[] WeightsOf(ReadOnlySpan<float> values, bool hasOffset)
    {
        double[] squares = [.. values.ToArray().Select(value => (double)value * value)];
        double mean = squares.Average();
        return [.. squares.Select(square => hasOffset ? 1 : 1 + (square / mean))];
    }

    /// <summary>The least error of scale * code, scales of both signs, with <see cref="WeightsOf"/>.</summary>
    public static double LeastSymmetricError(ReadOnlySpan<float> values, int lowest, int highest)
    {
        double[] weights = WeightsOf(values, hasOffset: false);
        double largest = Largest(values);
        double least = double.PositiveInfinity;
        for (int i = -SymmetricScales; i <= SymmetricScales; i++)
        {
            // From half to one and a half times the scale at which nothing is cut off.
            double scale = Math.Sign(i) * largest / -lowest * (0.5 + (Math.Abs(i) / (double)SymmetricScales));
            if (i != 0)
            {
                least = Math.Min(least, Error(values, weights, scale, 0, lowest, highest));
            }
        }

        return least;
    }

    /// <summary>The least error of scale * code + offset.</summary>
    public static double LeastAffineError(ReadOnlySpan<float> values, int highest, bool isOffsetFree)
    {
        double[] weights = WeightsOf(values, hasOffset: true);
        double low = double.PositiveInfinity;
        double high = double.NegativeInfinity;
        foreach (float value in values)
        {
            low = Math.Min(low, value);
            high = Math.Max(high, value);
        }

        double range = high - low;
        double least = double.PositiveInfinity;
        for (int i = 0; i <= AffineScales; i++)
        {
            double scale = range / highest * (0.6 + (0.6 * i / AffineScales));
            for (int start = 0; start <= AffineStarts; start++)
            {
                double offset = low + (scale * (1.5 * start / AffineStarts)) - (0.25 * scale);
                least = Math.Min(least, Error(values, weights, scale, isOffsetFree ? offset : Math.Min(offset, 0), 0, highest));
            }
        }

        return least;
    }

    private static double Error(ReadOnlySpan<float> values, double[] weights, double scale, double offset, int lowest, int highest)
    {
        double sum = 0;
        for (int i = 0; i < values.Length; i++)
        {
            double code = Math.Clamp(Math.Round((values[i] - offset) / scale), lowest, highest);
            double error = values[i] - (scale * code) - offset;
            sum += weights[i] * error * error;
        }

        return sum;
    }

    private static double Largest(ReadOnlySpan<float> values)
    {
        double largest = 0;
        foreach (float value in values)
        {
            largest = Math.Max(largest, Math.Abs(value));
        }

        return largest;
    }
}
