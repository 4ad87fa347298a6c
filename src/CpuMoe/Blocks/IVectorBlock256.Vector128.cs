using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks;

internal unsafe partial interface IVectorBlock256<TSelf>
{
    /// <summary>The codes of the values 16 * part to 16 * part + 15, in order; part is 0..15.</summary>
    static abstract Vector128<sbyte> Codes128(byte* block, int part);

    [SkipLocalsInit]
    static float IBlockFormat<TSelf>.Dot128(byte* row, in ActivationRow activation, int blocks)
    {
        sbyte* codes = activation.Codes;
        float* scales = activation.Scales;
        short* sums = activation.Sums;
        Vector128<float> total = Vector128<float>.Zero;
        float minima = 0;
        for (int b = 0; b < blocks; b++, row += TSelf.BytesPerBlock, codes += 256, sums += 16)
        {
            WeightPrefetch.Ahead(row, TSelf.BytesPerBlock);
            Vector128<int> products = Part128(row, codes, 0) + Part128(row, codes, 1)
                + Part128(row, codes, 2) + Part128(row, codes, 3)
                + Part128(row, codes, 4) + Part128(row, codes, 5)
                + Part128(row, codes, 6) + Part128(row, codes, 7);
            total = Vector128.MultiplyAddEstimate(
                Vector128.ConvertToSingle(products), Vector128.Create(TSelf.Scale(row) * scales[b]), total);
            if (TSelf.HasMinima)
            {
                int minimum = Minimum(row, sums, 0) + Minimum(row, sums, 1) + Minimum(row, sums, 2) + Minimum(row, sums, 3)
                    + Minimum(row, sums, 4) + Minimum(row, sums, 5) + Minimum(row, sums, 6) + Minimum(row, sums, 7);
                minima += TSelf.MinimumScale(row) * scales[b] * minimum;
            }
        }

        return Vector128.Sum(total) - minima;
    }

    /// <summary>The products of 32 values, times the scales of their groups.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Part128(byte* block, sbyte* activations, int part)
    {
        activations += 32 * part;
        int groups = 32 / TSelf.ValuesPerGroup;
        Vector128<short> low = SignedProducts.PairSums(TSelf.Codes128(block, 2 * part), Vector128.Load(activations));
        Vector128<short> high = SignedProducts.PairSums(TSelf.Codes128(block, (2 * part) + 1), Vector128.Load(activations + 16));
        Vector128<int> products = SignedProducts.AddScaled(Vector128<int>.Zero, low, (short)TSelf.GroupScale(block, groups * part));
        return SignedProducts.AddScaled(products, high, (short)TSelf.GroupScale(block, (groups * part) + groups - 1));
    }

    /// <summary>The sums of 32 activations, times the minima of their groups.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Minimum(byte* block, short* sums, int part)
    {
        int groups = 32 / TSelf.ValuesPerGroup;
        return (TSelf.GroupMinimum(block, groups * part) * sums[2 * part])
            + (TSelf.GroupMinimum(block, (groups * part) + groups - 1) * sums[(2 * part) + 1]);
    }
}
