using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

internal unsafe partial interface IVectorBlock256<TSelf>
{
    /// <summary>Blocks whose float scales are brought from halves to floats side by side.</summary>
    private const int BlocksPerGroup = 4;

    /// <summary>Where in a block its float scale lies, a half; a scale of the minima follows it.</summary>
    static abstract int ScaleOffset { get; }

    [SkipLocalsInit]
    static float IBlockFormat<TSelf>.Dot512(byte* row, in ActivationRow activation, int blocks)
    {
        sbyte* codes = activation.Codes;
        short* sums = activation.Sums;

        // Of each block the factor of its products and that of its minima. From memory they come to all lanes for nothing.
        float* factors = stackalloc float[2 * BlocksPerGroup];
        Vector512<float> total = Vector512<float>.Zero;
        Vector256<float> minima = Vector256<float>.Zero;
        for (int first = 0; first < blocks; first += BlocksPerGroup)
        {
            int count = Math.Min(BlocksPerGroup, blocks - first);
            StoreFactors(row, activation.Scales + first, count, factors);
            for (float* factor = factors; factor < factors + count; factor++, row += TSelf.BytesPerBlock, codes += 256, sums += 16)
            {
                WeightPrefetch.Ahead(row, TSelf.BytesPerBlock);
                AddBlock512(row, codes, sums, factor, ref total, ref minima);
            }
        }

        return Vector512.Sum(total) - Vector256.Sum(minima);
    }

    /// <summary>Adds the products of a block and its minima.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddBlock512(byte* block, sbyte* codes, short* sums, float* factor, ref Vector512<float> total, ref Vector256<float> minima)
    {
        Vector256<short> groupScales = TSelf.Scales256(block);
        Vector512<int> products = Products512(block, codes, groupScales);
        if (TSelf.CodeBias != 0)
        {
            products -= Avx2.MultiplyAddAdjacent(groupScales * (short)TSelf.CodeBias, Vector256.Load(sums)).ToVector512();
        }

        total = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(products), Vector512.Create(*factor), total);
        if (TSelf.HasMinima)
        {
            Vector256<int> offsets = Avx2.MultiplyAddAdjacent(TSelf.Minima256(block), Vector256.Load(sums));
            minima = Fma.MultiplyAdd(Avx.ConvertToVector256Single(offsets), Vector256.Create(factor[BlocksPerGroup]), minima);
        }
    }

    /// <summary>
    /// Writes the float scales times those of the activations: <see cref="BlocksPerGroup"/> places for the products, then
    /// as many for the minima.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreFactors(byte* row, float* activationScales, int count, float* factors)
    {
        if (count == BlocksPerGroup)
        {
            Vector128<float> scaleOfSums = Vector128.Load(activationScales);
            if (TSelf.HasMinima)
            {
                Vector256<float> scales = Float16.LoadPairsOfEvery(row + TSelf.ScaleOffset, TSelf.BytesPerBlock);
                (scales * scaleOfSums.ToVector256Unsafe().WithUpper(scaleOfSums)).Store(factors);
            }
            else
            {
                (Float16.LoadFourOfEvery(row + TSelf.ScaleOffset, TSelf.BytesPerBlock) * scaleOfSums).Store(factors);
            }

            return;
        }

        for (int i = 0; i < count; i++, row += TSelf.BytesPerBlock)
        {
            factors[i] = TSelf.Scale(row) * activationScales[i];
            if (TSelf.HasMinima)
            {
                factors[BlocksPerGroup + i] = TSelf.MinimumScale(row) * activationScales[i];
            }
        }
    }

    /// <summary>The products of a block times the group scales, in sums of 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Products512(byte* block, sbyte* activations, Vector256<short> groupScales)
    {
        Vector512<short> scales = groupScales.ToVector512Unsafe();
        return (Part512(block, activations, scales, 0) + Part512(block, activations, scales, 1))
            + (Part512(block, activations, scales, 2) + Part512(block, activations, scales, 3));
    }

    /// <summary>The products of 64 values, times the scales of their four groups.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Part512(byte* block, sbyte* activations, Vector512<short> scales, int part)
    {
        int first = TSelf.HalfDistance == 32 ? 64 * part : (128 * (part / 2)) + (32 * (part % 2));
        sbyte* lower = activations + first;
        Vector512<sbyte> values = TSelf.HalfDistance == 32
            ? Vector512.Load(lower)
            : Vector256.Load(lower).ToVector512Unsafe().WithUpper(Vector256.Load(lower + TSelf.HalfDistance));
        Vector512<short> pairs = TSelf.PairSums512(TSelf.ProductCodes512(block, part), values);

        // Lanes of eight pair sums are groups of 16 values.
        Vector512<short> spread = Vector512.Create((short)(first / 16)) + (TSelf.HalfDistance == 32
            ? Vector512.Create((short)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3)
            : Vector512.Create((short)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5));
        return Avx512BW.MultiplyAddAdjacent(pairs, Avx512BW.PermuteVar32x16(scales, spread));
    }
}
