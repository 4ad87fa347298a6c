using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>Products of signed bytes with an instruction that multiplies unsigned bytes with signed ones.</summary>
internal static class SignedProducts
{
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
