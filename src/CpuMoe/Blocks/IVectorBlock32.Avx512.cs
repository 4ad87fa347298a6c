using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

internal unsafe partial interface IVectorBlock32<TSelf>
{
    /// <summary>Whether the format has <see cref="PairCodes512"/>.</summary>
    static virtual bool HasPairCodes => false;

    /// <summary>
    /// The 64 codes of two blocks plus <see cref="CodeBias"/>, in order: of the blocks that begin at the bytes
    /// <paramref name="first"/> and <paramref name="second"/> of a vector. For processors with VBMI.
    /// </summary>
    static virtual Vector512<byte> PairCodes512(Vector512<byte> blocks, int first, int second) => default;

    /// <summary>Eight blocks at a time: their scales come in one vector, and what the codes are too large by leaves in another.</summary>
    [SkipLocalsInit]
    static float IBlockFormat<TSelf>.Dot512(byte* row, in ActivationRow activation, int blocks)
    {
        sbyte* codes = activation.Codes;
        float* activationScales = activation.Scales;
        short* sums = activation.Sums;
        Vector512<float> total0 = Vector512<float>.Zero;
        Vector512<float> total1 = Vector512<float>.Zero;
        Vector256<float> corrections = Vector256<float>.Zero;
        int b = 0;
        for (; b + 8 <= blocks; b += 8, row += 8 * TSelf.BytesPerBlock, codes += 256, sums += 16)
        {
            WeightPrefetch.Ahead(row, 4 * TSelf.BytesPerBlock);
            WeightPrefetch.Ahead(row + (4 * TSelf.BytesPerBlock), 4 * TSelf.BytesPerBlock);
            Vector256<float> scaleOfSums = Vector256.Load(activationScales + b);
            Vector256<float> scales = TSelf.Scales256(row) * scaleOfSums;
            AddFour(row, codes, scales, 0, ref total0, ref total1);
            AddFour(row + (4 * TSelf.BytesPerBlock), codes + 128, scales, 4, ref total0, ref total1);
            if (NeedsCorrection)
            {
                Vector256<float> factors = TSelf.HasOffset ? TSelf.Offsets256(row) * scaleOfSums : scales * Vector256.Create((float)-TSelf.CodeBias);
                corrections = Fma.MultiplyAdd(SumsOf32(Vector256.Load(sums)), factors, corrections);
            }
        }

        if (b + 4 <= blocks)
        {
            Vector128<float> scaleOfSums = Vector128.Load(activationScales + b);
            Vector128<float> scales = TSelf.RowScales128(row, TSelf.BytesPerBlock) * scaleOfSums;
            AddFour(row, codes, scales.ToVector256Unsafe(), 0, ref total0, ref total1);
            if (NeedsCorrection)
            {
                Vector128<float> factors = TSelf.HasOffset
                    ? Float16.LoadFourOfEvery(row + sizeof(Half), TSelf.BytesPerBlock) * scaleOfSums
                    : scales * Vector128.Create((float)-TSelf.CodeBias);
                corrections = Fma.MultiplyAdd(SumsOf32(Vector128.Load(sums).ToVector256()), factors.ToVector256(), corrections);
            }

            b += 4;
            row += 4 * TSelf.BytesPerBlock;
            codes += 128;
            sums += 8;
        }

        float total = Vector512.Sum(total0 + total1) + Vector256.Sum(corrections);
        return b == blocks ? total : total + TSelf.Dot256(row, new ActivationRow(null, codes, activationScales + b, sums), blocks - b);
    }

    /// <summary>Whether the products are off by a multiple of the sums of the activations.</summary>
    private static bool NeedsCorrection
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (TSelf.CodeBias != 0 && !TSelf.HasSignedCodes) || TSelf.HasOffset;
    }

    /// <summary>The sums of every 32 activations.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> SumsOf32(Vector256<short> sums)
        => Avx.ConvertToVector256Single(Avx2.MultiplyAddAdjacent(sums, Vector256<short>.One));

    /// <summary>Adds the products of four blocks, times the scales from <paramref name="first"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddFour(byte* blocks, sbyte* activations, Vector256<float> scales, int first, ref Vector512<float> total0, ref Vector512<float> total1)
    {
        Vector512<float> wide = scales.ToVector512Unsafe();
        Vector512<int> scale = Vector512.Create(first) + Vector512.Create(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
        total0 = Avx512F.FusedMultiplyAdd(TwoBlocks(blocks, 0, activations), Avx512F.PermuteVar16x32(wide, scale), total0);
        total1 = Avx512F.FusedMultiplyAdd(TwoBlocks(blocks, 1, activations + 64), Avx512F.PermuteVar16x32(wide, scale + Vector512.Create(2)), total1);
    }

    /// <summary>The products of the first or the second two (<paramref name="pair"/> 0 or 1) of four blocks, in sums of four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> TwoBlocks(byte* fourBlocks, int pair, sbyte* activations)
    {
        Vector512<sbyte> values = Vector512.Load(activations);
        byte* blocks = fourBlocks + (2 * pair * TSelf.BytesPerBlock);
        Vector512<short> pairs = TSelf.HasSignedCodes
            ? SignedProducts.PairSums(TSelf.Codes256(blocks).ToVector512Unsafe().WithUpper(TSelf.Codes256(blocks + TSelf.BytesPerBlock)), values)
            : Avx512BW.MultiplyAddAdjacent(BiasedCodes512(fourBlocks, pair), values);
        return Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(pairs, Vector512<short>.One));
    }

    /// <summary>The codes of the first or the second two of four blocks plus <see cref="CodeBias"/>, in order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> BiasedCodes512(byte* fourBlocks, int pair)
    {
        if (TSelf.HasPairCodes && Avx512Vbmi.IsSupported)
        {
            // The first two begin a vector and the last two end one, so that no byte beyond the four is read.
            int before = pair == 0 ? 0 : (4 * TSelf.BytesPerBlock) - Vector512<byte>.Count;
            int first = (2 * pair * TSelf.BytesPerBlock) - before;
            return TSelf.PairCodes512(Vector512.Load(fourBlocks + before), first, first + TSelf.BytesPerBlock);
        }

        byte* block = fourBlocks + (2 * pair * TSelf.BytesPerBlock);
        return TSelf.BiasedCodes256(block).ToVector512Unsafe().WithUpper(TSelf.BiasedCodes256(block + TSelf.BytesPerBlock));
    }
}
