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
    /// <summary>Blocks whose scales are brought to floats side by side.</summary>
    private const int BlocksPerGroup = 8;

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

        // Of each block the factor of its products. From memory it comes to all lanes for nothing.
        float* factors = stackalloc float[BlocksPerGroup];

        // Two sums side by side, as one alone would wait for each of its additions.
        Vector256<float> total0 = Vector256<float>.Zero;
        Vector256<float> total1 = Vector256<float>.Zero;
        Vector256<float> offsets = Vector256<float>.Zero;
        for (int first = 0; first < blocks; first += BlocksPerGroup)
        {
            int count = Math.Min(BlocksPerGroup, blocks - first);
            StoreFactors(row, activation.Scales + first, activation.Sums + (2 * first), count, factors, ref offsets);
            float* factor = factors;
            float* end = factors + count;
            for (; factor + 2 <= end; factor += 2, row += 2 * TSelf.BytesPerBlock, codes += 64)
            {
                WeightPrefetch.Ahead(row, 2 * TSelf.BytesPerBlock);
                AddBlock(row, codes, factor, ref total0);
                AddBlock(row + TSelf.BytesPerBlock, codes + 32, factor + 1, ref total1);
            }

            if (factor < end)
            {
                AddBlock(row, codes, factor, ref total0);
            }
        }

        return Vector256.Sum(TSelf.HasOffset ? total0 + total1 + offsets : total0 + total1);
    }

    /// <summary>Writes the scales of up to eight blocks times those of the activations, and adds their offsets.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreFactors(byte* row, float* activationScales, short* sums, int count, float* factors, ref Vector256<float> offsets)
    {
        if (count == BlocksPerGroup)
        {
            Vector256<float> scaleOfSums = Vector256.Load(activationScales);
            (TSelf.Scales256(row) * scaleOfSums).Store(factors);
            if (TSelf.HasOffset)
            {
                Vector256<int> blockSums = Avx2.MultiplyAddAdjacent(Vector256.Load(sums), Vector256<short>.One);
                offsets = Vector256.MultiplyAddEstimate(
                    Avx.ConvertToVector256Single(blockSums), TSelf.Offsets256(row) * scaleOfSums, offsets);
            }

            return;
        }

        for (int i = 0; i < count; i++, row += TSelf.BytesPerBlock, sums += 2)
        {
            factors[i] = TSelf.Scale(row) * activationScales[i];
            if (TSelf.HasOffset)
            {
                offsets += Vector256.CreateScalar(TSelf.Offset(row) * activationScales[i] * (sums[0] + sums[1]));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddBlock(byte* block, sbyte* codes, float* factor, ref Vector256<float> total)
        => total = Vector256.MultiplyAddEstimate(
            Avx.ConvertToVector256Single(Products(block, Vector256.Load(codes))), Vector256.Create(*factor), total);

    /// <summary>The products of a block, in sums of four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Products(byte* block, Vector256<sbyte> activations) => TSelf.HasSignedCodes
        ? ProductSums.Fours(TSelf.Codes256(block), activations)
        : ProductSums.Fours(TSelf.BiasedCodes256(block), (byte)TSelf.CodeBias, activations);
}
