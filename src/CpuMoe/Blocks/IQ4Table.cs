using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>The 16 values that the codes of IQ4_NL and IQ4_XS stand for, denser around zero as weights are.</summary>
/// <remarks>Source: ggml <c>kvalues_iq4nl</c>.</remarks>
internal static class IQ4Table
{
    /// <summary>Value by 4-bit code.</summary>
    public static ReadOnlySpan<sbyte> Values => [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    /// <summary>The values of 16 codes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Lookup(Vector128<byte> codes) => Vector128.ShuffleNative(
        Vector128.Create(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113), codes.AsSByte());

    /// <summary>The values of 32 codes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Lookup(Vector256<byte> codes)
    {
        // In every 128-bit half the whole table.
        Vector256<sbyte> table = Vector256.Create(
            -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
            -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
        return Avx2.Shuffle(table, codes.AsSByte());
    }
}
