using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks.Fitting;

/// <summary>
/// Eight groups of values side by side: lane g of vector i is value i of group g. So every group is fitted as if alone,
/// and no sum crosses lanes.
/// </summary>
/// <remarks>
/// Only operations that IEEE 754 rounds exactly, in a fixed order and never fused, so that the results are the same on
/// every machine.
/// </remarks>
internal static unsafe class Lanes
{
    public const int Count = 8;

    /// <summary>Loads eight groups that follow each other.</summary>
    /// <param name="values">The groups.</param>
    /// <param name="length">Values per group.</param>
    /// <param name="tile">Room for <paramref name="length"/> vectors.</param>
    public static void Load(float* values, int length, Vector256<float>* tile)
    {
        for (int group = 0; group < Count; group++)
        {
            float* lane = (float*)tile + group;
            for (int i = 0; i < length; i++)
            {
                lane[Count * i] = values[(length * group) + i];
            }
        }
    }

    /// <summary>The code nearest to <paramref name="scaled"/>, as a float.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Code(Vector256<float> scaled, Vector256<float> lowest, Vector256<float> highest)
        => Vector256.MinNative(Vector256.MaxNative(Vector256.Round(scaled), lowest), highest);

    /// <summary>The quotient, or zero where the divisor is so near zero that it would not be finite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Divide(Vector256<float> dividend, Vector256<float> divisor)
    {
        const float Smallest = 1e-30f;
        Vector256<float> isLargeEnough = Vector256.GreaterThan(Vector256.Abs(divisor), Vector256.Create(Smallest));
        return Vector256.ConditionalSelect(isLargeEnough, dividend / divisor, Vector256<float>.Zero);
    }

    /// <summary>The sum of the lanes, always in the same order.</summary>
    public static double Sum(Vector256<float> lanes)
    {
        double sum = 0;
        for (int i = 0; i < Count; i++)
        {
            sum += lanes[i];
        }

        return sum;
    }

    /// <summary>The lane of the largest magnitude, with its sign.</summary>
    public static float Extreme(Vector256<float> lanes)
    {
        float extreme = 0;
        for (int i = 0; i < Count; i++)
        {
            extreme = MathF.Abs(lanes[i]) > MathF.Abs(extreme) ? lanes[i] : extreme;
        }

        return extreme;
    }
}
