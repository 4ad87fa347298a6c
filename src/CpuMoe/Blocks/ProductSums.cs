using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>
/// Sums of products in 32 bits, by the one instruction of AVX-VNNI where the processor has it and by two or three of AVX2
/// elsewhere: the same integers, lane by lane.
/// </summary>
internal static class ProductSums
{
    /// <summary>
    /// Sums of four neighbouring products. AVX2 sums two of them in 16 bits, so no code may exceed 128 and no activation
    /// may be -128: at most 2 * 128 * 127.
    /// </summary>
    /// <param name="codes">The unsigned codes.</param>
    /// <param name="bias">What is to be taken off each code first, a constant of at most 128.</param>
    /// <param name="activations">The activations.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Fours(Vector256<byte> codes, byte bias, Vector256<sbyte> activations)
    {
        if (AvxVnni.IsSupported)
        {
            Vector256<int> sums = AvxVnni.MultiplyWideningAndAdd(default, codes, activations);
            return bias == 0 ? sums : sums - AvxVnni.MultiplyWideningAndAdd(default, Vector256.Create(bias), activations);
        }

        Vector256<short> pairs = Avx2.MultiplyAddAdjacent(codes, activations);
        if (bias != 0)
        {
            pairs -= Avx2.MultiplyAddAdjacent(Vector256.Create(bias), activations);
        }

        return Avx2.MultiplyAddAdjacent(pairs, Vector256<short>.One);
    }

    /// <summary>As the other, with signed codes: the sign of a code is given to its activation.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Fours(Vector256<sbyte> codes, Vector256<sbyte> activations) =>
        Fours(Avx2.Abs(codes), 0, Avx2.Sign(activations, codes));

    /// <summary>The sums plus two neighbouring numbers each, times their scales.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> AddScaled(Vector256<int> sums, Vector256<short> pairs, Vector256<short> scales) =>
        AvxVnni.IsSupported ? AvxVnni.MultiplyWideningAndAdd(sums, pairs, scales) : sums + Avx2.MultiplyAddAdjacent(pairs, scales);
}
