using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>The vector dot product of the formats with blocks of 32 values.</summary>
/// <remarks>
/// A block fills one 256-bit vector. There is no 512-bit path: two blocks to a vector have two scales, and AVX-512 has
/// no sign instruction.
/// </remarks>
/// <typeparam name="TSelf">The format itself.</typeparam>
internal unsafe interface IVectorBlock32<TSelf> : IBlock32<TSelf>
    where TSelf : struct, IVectorBlock32<TSelf>
{
    /// <summary>The 32 codes of a block, in order.</summary>
    static abstract Vector256<sbyte> Codes256(byte* block);

    [SkipLocalsInit]
    static float IBlockFormat<TSelf>.Dot256(byte* row, in ActivationRow activation, int blocks)
    {
        sbyte* codes = activation.Codes;
        float* scales = activation.Scales;
        short* sums = activation.Sums;
        Vector256<float> total = Vector256<float>.Zero;
        float offsets = 0;
        for (int b = 0; b < blocks; b++, row += TSelf.BytesPerBlock, codes += 32, sums += 2)
        {
            WeightPrefetch.Ahead(row, TSelf.BytesPerBlock);
            Vector256<short> pairs = SignedProducts.PairSums(TSelf.Codes256(row), Vector256.Load(codes));
            Vector256<int> products = Avx2.MultiplyAddAdjacent(pairs, Vector256<short>.One);
            total = Vector256.MultiplyAddEstimate(
                Avx.ConvertToVector256Single(products), Vector256.Create(TSelf.Scale(row) * scales[b]), total);

            // For a format without offsets this is a constant and the code is gone.
            if (TSelf.Offset(row) != 0)
            {
                offsets += TSelf.Offset(row) * scales[b] * (sums[0] + sums[1]);
            }
        }

        return Vector256.Sum(total) + offsets;
    }
}
