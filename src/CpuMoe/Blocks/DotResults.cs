using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks;

/// <summary>Where the products of one row with several activations go.</summary>
internal static unsafe class DotResults
{
    /// <summary>Writes the sum of each of the first <typeparamref name="TColumns"/> vectors to results[c * stride].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TColumns>(
        float* results, long stride, Vector512<float> total0, Vector512<float> total1, Vector512<float> total2, Vector512<float> total3)
        where TColumns : struct, IColumnCount
    {
        results[0] = Sum(total0);
        if (TColumns.Count > 1)
        {
            results[stride] = Sum(total1);
        }

        if (TColumns.Count > 2)
        {
            results[2 * stride] = Sum(total2);
        }

        if (TColumns.Count > 3)
        {
            results[3 * stride] = Sum(total3);
        }
    }

    /// <summary>The sum of all lanes, halves first: a third of the instructions that the order of <see cref="Vector512.Sum"/> takes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Sum(Vector512<float> total)
    {
        Vector256<float> eight = total.GetLower() + total.GetUpper();
        Vector128<float> four = eight.GetLower() + eight.GetUpper();
        four += Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1));
        return four[0] + four[1];
    }
}
