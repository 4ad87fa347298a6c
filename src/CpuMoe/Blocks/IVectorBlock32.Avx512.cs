using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

internal unsafe partial interface IVectorBlock32<TSelf>
{
    /// <summary>Four blocks at a time: their scales come in one vector, and what the codes are too large by leaves in another.</summary>
    [SkipLocalsInit]
    static float IBlockFormat<TSelf>.Dot512(byte* row, in ActivationRow activation, int blocks)
    {
        sbyte* codes = activation.Codes;
        float* activationScales = activation.Scales;
        short* sums = activation.Sums;
        Vector512<float> total0 = Vector512<float>.Zero;
        Vector512<float> total1 = Vector512<float>.Zero;
        Vector128<float> corrections = Vector128<float>.Zero;
        int b = 0;
        for (; b + 4 <= blocks; b += 4, row += 4 * TSelf.BytesPerBlock, codes += 128, sums += 8)
        {
            WeightPrefetch.Ahead(row, 4 * TSelf.BytesPerBlock);
            Vector128<float> scaleOfSums = Vector128.Load(activationScales + b);
            Vector128<float> scales = TSelf.Scales128(row) * scaleOfSums;
            Vector512<float> wide = scales.ToVector256Unsafe().ToVector512Unsafe();
            Vector512<int> first = Vector512.Create(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
            Vector512<int> second = Vector512.Create(2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
            total0 = Avx512F.FusedMultiplyAdd(TwoBlocks(row, codes), Avx512F.PermuteVar16x32(wide, first), total0);
            total1 = Avx512F.FusedMultiplyAdd(TwoBlocks(row + (2 * TSelf.BytesPerBlock), codes + 64), Avx512F.PermuteVar16x32(wide, second), total1);
            if ((TSelf.CodeBias != 0 && !TSelf.HasSignedCodes) || TSelf.HasOffset)
            {
                Vector128<float> sumsOf32 = Sse2.ConvertToVector128Single(Sse2.MultiplyAddAdjacent(Vector128.Load(sums), Vector128<short>.One));
                Vector128<float> factors = TSelf.HasOffset
                    ? TSelf.Offsets128(row) * scaleOfSums
                    : scales * Vector128.Create((float)-TSelf.CodeBias);
                corrections = Fma.MultiplyAdd(sumsOf32, factors, corrections);
            }
        }

        float total = Vector512.Sum(total0 + total1) + Vector128.Sum(corrections);
        return b == blocks ? total : total + TSelf.Dot256(row, new ActivationRow(null, codes, activationScales + b, sums), blocks - b);
    }

    /// <summary>The products of two blocks in sums of four: the first block's in the lower half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> TwoBlocks(byte* blocks, sbyte* activations)
    {
        Vector512<sbyte> values = Vector512.Load(activations);
        Vector512<short> pairs = TSelf.HasSignedCodes
            ? SignedProducts.PairSums(TSelf.Codes256(blocks).ToVector512Unsafe().WithUpper(TSelf.Codes256(blocks + TSelf.BytesPerBlock)), values)
            : Avx512BW.MultiplyAddAdjacent(TSelf.BiasedCodes256(blocks).ToVector512Unsafe().WithUpper(TSelf.BiasedCodes256(blocks + TSelf.BytesPerBlock)), values);
        return Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(pairs, Vector512<short>.One));
    }
}
