using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>Products of signed bytes; on x86 with an instruction that multiplies unsigned bytes with signed ones.</summary>
internal static class SignedProducts
{
    /// <summary>
    /// Sums of two products, in 16 bits: which two depends on the processor. The weight may be -128, the activation may not.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<short> PairSums(Vector128<sbyte> weights, Vector128<sbyte> activations)
    {
        if (AdvSimd.IsSupported)
        {
            Vector128<short> products = AdvSimd.MultiplyWideningLower(weights.GetLower(), activations.GetLower());
            return AdvSimd.MultiplyWideningUpperAndAdd(products, weights, activations);
        }

        if (Ssse3.IsSupported)
        {
            return Ssse3.MultiplyAddAdjacent(Ssse3.Abs(weights), Ssse3.Sign(activations, weights));
        }

        return (Vector128.WidenLower(weights) * Vector128.WidenLower(activations))
            + (Vector128.WidenUpper(weights) * Vector128.WidenUpper(activations));
    }

    /// <summary>The sums plus the pair sums times <paramref name="scale"/>, in 32 bits: which two go to which sum depends on the processor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> AddScaled(Vector128<int> sums, Vector128<short> pairs, short scale)
    {
        if (AdvSimd.IsSupported)
        {
            Vector128<short> scales = Vector128.Create(scale);
            sums = AdvSimd.MultiplyWideningLowerAndAdd(sums, pairs.GetLower(), scales.GetLower());
            return AdvSimd.MultiplyWideningUpperAndAdd(sums, pairs, scales);
        }

        return Sse2.IsSupported
            ? sums + Sse2.MultiplyAddAdjacent(pairs, Vector128.Create(scale))
            : sums + ((Vector128.WidenLower(pairs) + Vector128.WidenUpper(pairs)) * Vector128.Create((int)scale));
    }

    /// <summary>
    /// Sums of two neighbouring products. The sign of the weight is given to the activation, so the weight may be -128
    /// (128 as an unsigned byte) but the activation may not. At most 2 * 128 * 127: no saturation.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> PairSums(Vector256<sbyte> weights, Vector256<sbyte> activations)
        => Avx2.MultiplyAddAdjacent(Avx2.Abs(weights), Avx2.Sign(activations, weights));

    /// <inheritdoc cref="PairSums(Vector256{sbyte}, Vector256{sbyte})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> PairSums(Vector512<sbyte> weights, Vector512<sbyte> activations)
    {
        // AVX-512 has no sign instruction: the activations of negative weights are negated under a mask.
        Vector512<sbyte> signed = Vector512.ConditionalSelect(
            Vector512.LessThan(weights, Vector512<sbyte>.Zero), Vector512<sbyte>.Zero - activations, activations);
        return Avx512BW.MultiplyAddAdjacent(Avx512BW.Abs(weights), signed);
    }
}
