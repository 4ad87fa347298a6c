using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>The vector dot product of the formats with blocks of 32 values.</summary>
/// <remarks>A block fills one 256-bit vector; a 512-bit vector holds two, each with a scale of its own.</remarks>
/// <typeparam name="TSelf">The format itself.</typeparam>
internal unsafe partial interface IVectorBlock32<TSelf> : IBlock32<TSelf>
    where TSelf : struct, IVectorBlock32<TSelf>
{
    /// <summary>What makes every code of the format unsigned when added.</summary>
    static virtual int CodeBias => 0;

    /// <summary>The largest code after <see cref="CodeBias"/> was added.</summary>
    static abstract int MaxCode { get; }

    /// <summary>
    /// Whether codes are signed numbers to begin with, and are multiplied as such by the dot products: in 8 bits, two
    /// unsigned products would not fit.
    /// </summary>
    static virtual bool HasSignedCodes => false;

    /// <summary>The 32 codes of a block plus <see cref="CodeBias"/>, in order.</summary>
    static abstract Vector256<byte> BiasedCodes256(byte* block);

    /// <summary>The 32 codes of a block, in order.</summary>
    static virtual Vector256<sbyte> Codes256(byte* block) => (TSelf.BiasedCodes256(block) - Vector256.Create((byte)TSelf.CodeBias)).AsSByte();

    /// <summary>The scales of eight blocks.</summary>
    static virtual Vector256<float> Scales256(byte* blocks) => Float16.LoadEightOfEvery(blocks, TSelf.BytesPerBlock);

    /// <summary>The offsets of eight blocks, for formats with offsets.</summary>
    static virtual Vector256<float> Offsets256(byte* blocks) => Float16.LoadEightOfEvery(blocks + sizeof(Half), TSelf.BytesPerBlock);

    [SkipLocalsInit]
    static float IBlockFormat<TSelf>.Dot256(byte* row, in ActivationRow activation, int blocks)
    {
        sbyte* codes = activation.Codes;
        float* scales = activation.Scales;
        short* sums = activation.Sums;

        // Two sums side by side, as one alone would wait for each of its additions.
        Vector256<float> total0 = Vector256<float>.Zero;
        Vector256<float> total1 = Vector256<float>.Zero;
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

        return Vector256.Sum(total0 + total1) + offsets0 + offsets1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddBlock(byte* block, sbyte* codes, float* scale, short* sums, ref Vector256<float> total, ref float offsets)
    {
        total = Vector256.MultiplyAddEstimate(
            Avx.ConvertToVector256Single(Products(block, Vector256.Load(codes))), Vector256.Create(TSelf.Scale(block) * *scale), total);
        if (TSelf.HasOffset)
        {
            offsets += TSelf.Offset(block) * *scale * (sums[0] + sums[1]);
        }
    }

    /// <summary>The products of a block, in sums of four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Products(byte* block, Vector256<sbyte> activations) => TSelf.HasSignedCodes
        ? ProductSums.Fours(TSelf.Codes256(block), activations)
        : ProductSums.Fours(TSelf.BiasedCodes256(block), (byte)TSelf.CodeBias, activations);
}
