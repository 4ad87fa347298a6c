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
        results[0] = Vector512.Sum(total0);
        if (TColumns.Count > 1)
        {
            results[stride] = Vector512.Sum(total1);
        }

        if (TColumns.Count > 2)
        {
            results[2 * stride] = Vector512.Sum(total2);
        }

        if (TColumns.Count > 3)
        {
            results[3 * stride] = Vector512.Sum(total3);
        }
    }
}
