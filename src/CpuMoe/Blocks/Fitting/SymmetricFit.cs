using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks.Fitting;

/// <summary>Finds scales s so that s * q, q being whole numbers of a range around zero, is near the values of a group.</summary>
/// <remarks>
/// For given codes q the sum of w (x - s q)² is least at s = (sum of w x q) / (sum of w q²), where it is the sum of w x² less
/// (sum of w x q)² / (sum of w q²). The codes in turn follow from a scale by rounding. The search rounds with a number of
/// scales around the one that takes the extreme value of the group to the lowest code (the range has one more code
/// below zero than above, and the scale the sign for it), and keeps the codes that explain most.
/// <para>
/// With equal weights w it would shrink the scale until the other extreme is cut off, as that is one value of many. Weights
/// that grow with x² keep large values at an error that is little larger for the rest, and the predictions of a model
/// nearer to what they were (measured: perf/RESULTS.md). Formats with minima fit both extremes of a group by themselves;
/// there weights gained nothing.
/// </para>
/// </remarks>
internal static unsafe class SymmetricFit
{
    // Steps to either side of the lowest code. Each turns over some of the roundings: coarse codes need steps of a tenth
    // of one, fine codes steps of a part of the scale, or all scales tried are nearly the same.
    private const int Steps = 9;
    private const float Step = 0.1f;
    private const float StepOfScale = 1 / 80f;

    /// <summary>How much the squared error of each value counts: 1 and x² by its mean over the group.</summary>
    /// <param name="tile">The groups, see <see cref="Lanes.Load"/>.</param>
    /// <param name="length">Values per group.</param>
    /// <param name="weights">Room for <paramref name="length"/> vectors.</param>
    public static void Weigh(Vector256<float>* tile, int length, Vector256<float>* weights)
    {
        Vector256<float> sum = Vector256<float>.Zero;
        for (int i = 0; i < length; i++)
        {
            weights[i] = tile[i] * tile[i];
            sum += weights[i];
        }

        Vector256<float> perMean = Lanes.Divide(Vector256.Create((float)length), sum);
        for (int i = 0; i < length; i++)
        {
            weights[i] = Vector256<float>.One + (weights[i] * perMean);
        }
    }

    /// <summary>The best scale of each of eight groups.</summary>
    /// <param name="tile">The groups, see <see cref="Lanes.Load"/>.</param>
    /// <param name="weights">See <see cref="Weigh"/>.</param>
    /// <param name="length">Values per group.</param>
    /// <param name="lowest">The lowest code, negative.</param>
    /// <param name="highest">The highest code.</param>
    [SkipLocalsInit]
    public static Vector256<float> Scales(Vector256<float>* tile, Vector256<float>* weights, int length, int lowest, int highest)
    {
        Vector256<float> low = Vector256.Create((float)lowest);
        Vector256<float> high = Vector256.Create((float)highest);
        Vector256<float> perExtreme = Lanes.Divide(Vector256<float>.One, Extremes(tile, length));
        float stepSize = MathF.Max(Step, -lowest * StepOfScale);
        Vector256<float> bestExplained = Vector256<float>.Zero;
        Vector256<float> bestScale = Vector256<float>.Zero;
        for (int step = -Steps; step <= Steps; step++)
        {
            Vector256<float> inverse = Vector256.Create(lowest + (stepSize * step)) * perExtreme;
            Vector256<float> products = Vector256<float>.Zero;
            Vector256<float> squares = Vector256<float>.Zero;
            for (int i = 0; i < length; i++)
            {
                Vector256<float> x = tile[i];
                Vector256<float> code = Lanes.Code(x * inverse, low, high);
                Vector256<float> weighted = weights[i] * code;
                products += x * weighted;
                squares += code * weighted;
            }

            Vector256<float> scale = Lanes.Divide(products, squares);
            Vector256<float> explained = scale * products;
            Vector256<float> isBetter = Vector256.GreaterThan(explained, bestExplained);
            bestExplained = Vector256.ConditionalSelect(isBetter, explained, bestExplained);
            bestScale = Vector256.ConditionalSelect(isBetter, scale, bestScale);
        }

        return bestScale;
    }

    /// <summary>The value of largest magnitude of each group, with its sign.</summary>
    private static Vector256<float> Extremes(Vector256<float>* tile, int length)
    {
        Vector256<float> extreme = Vector256<float>.Zero;
        for (int i = 0; i < length; i++)
        {
            Vector256<float> isLarger = Vector256.GreaterThan(Vector256.Abs(tile[i]), Vector256.Abs(extreme));
            extreme = Vector256.ConditionalSelect(isLarger, tile[i], extreme);
        }

        return extreme;
    }
}
