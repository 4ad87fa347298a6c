using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks;

internal unsafe partial interface IVectorBlock32<TSelf>
{
    /// <summary>The codes of the values 16 * part to 16 * part + 15, in order; part is 0 or 1.</summary>
    static abstract Vector128<sbyte> Codes128(byte* block, int part);

    [SkipLocalsInit]
    static float IBlockFormat<TSelf>.Dot128(byte* row, in ActivationRow activation, int blocks)
    {
        sbyte* codes = activation.Codes;
        float* scales = activation.Scales;
        short* sums = activation.Sums;

        // Two sums side by side, as one alone would wait for each of its additions.
        Vector128<float> total0 = Vector128<float>.Zero;
        Vector128<float> total1 = Vector128<float>.Zero;
        float offsets0 = 0;
        float offsets1 = 0;
        int pairs = blocks / 2;
        for (int i = 0; i < pairs; i++, row += 2 * TSelf.BytesPerBlock, codes += 64, scales += 2, sums += 4)
        {
            WeightPrefetch.Ahead(row, 2 * TSelf.BytesPerBlock);
            AddBlock(row, codes, scales, sums, ref total0, ref offsets0);
            AddBlock(row + TSelf.BytesPerBlock, codes + 32, scales + 1, sums + 2, ref total1, ref offsets1);
        }

        if (blocks % 2 != 0)
        {
            AddBlock(row, codes, scales, sums, ref total0, ref offsets0);
        }

        return Vector128.Sum(total0 + total1) + offsets0 + offsets1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddBlock(byte* block, sbyte* codes, float* scale, short* sums, ref Vector128<float> total, ref float offsets)
    {
        Vector128<short> low = SignedProducts.PairSums(TSelf.Codes128(block, 0), Vector128.Load(codes));
        Vector128<short> high = SignedProducts.PairSums(TSelf.Codes128(block, 1), Vector128.Load(codes + 16));
        Vector128<int> products = SignedProducts.AddScaled(SignedProducts.AddScaled(Vector128<int>.Zero, low, 1), high, 1);
        total = Vector128.MultiplyAddEstimate(
            Vector128.ConvertToSingle(products), Vector128.Create(TSelf.Scale(block) * *scale), total);
        if (TSelf.HasOffset)
        {
            offsets += TSelf.Offset(block) * *scale * (sums[0] + sums[1]);
        }
    }
}
