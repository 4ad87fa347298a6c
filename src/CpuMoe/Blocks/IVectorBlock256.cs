using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>The vector dot products of the formats with super-blocks of 256 values.</summary>
/// <remarks>
/// Codes are taken as unsigned, which the multiply instructions want. Pairs of products are summed in 16 bits (at most
/// 2 * 63 * 127), one multiplication by the 16-bit group scales brings them to 32 bits, and what the codes are too
/// large by is taken off through the sums of the activations, all in exact integers: a dot product differs from the
/// scalar one only in the order of its float additions. AVX-VNNI adds in the same instruction as it multiplies by the
/// scales; its sums of four products in 32 bits would have to be brought back to 16 for that, and save nothing.
/// </remarks>
/// <typeparam name="TSelf">The format itself.</typeparam>
internal unsafe partial interface IVectorBlock256<TSelf> : IBlock256<TSelf>
    where TSelf : struct, IVectorBlock256<TSelf>
{
    /// <summary>By how much an unsigned code exceeds the code: a constant of the format.</summary>
    static virtual int CodeBias => 0;

    /// <summary>The unsigned codes of the values 32 * part to 32 * part + 31, in order; part is 0..7.</summary>
    static abstract Vector256<byte> Codes256(byte* block, int part);

    /// <summary>The unsigned codes of the values 64 * part to 64 * part + 63, in order; part is 0..3.</summary>
    static virtual Vector512<byte> Codes512(byte* block, int part)
        => TSelf.Codes256(block, 2 * part).ToVector512Unsafe().WithUpper(TSelf.Codes256(block, (2 * part) + 1));

    /// <summary>As <see cref="Codes512"/>, with the value of <see cref="Rotation512"/> at hand.</summary>
    static virtual Vector512<byte> ProductCodes512(byte* block, int part, Vector512<uint> rotation) => TSelf.Codes512(block, part);

    /// <summary>A constant that <see cref="ProductCodes512"/> needs in part 0..3, for the dot product to hold in a register.</summary>
    static virtual Vector512<uint> Rotation512(int part) => default;

    /// <summary>The integer scale of every 16 values (formats with groups of 32 repeat each).</summary>
    static abstract Vector256<short> Scales256(byte* block);

    /// <summary>The integer minimum of every 16 values; zero for formats without.</summary>
    static virtual Vector256<short> Minima256(byte* block) => Vector256<short>.Zero;

    /// <summary>Sums of neighbouring products, in 16 bits.</summary>
    static virtual Vector256<short> PairSums256(Vector256<byte> codes, Vector256<sbyte> activations)
        => Avx2.MultiplyAddAdjacent(codes, activations);

    /// <inheritdoc cref="PairSums256"/>
    static virtual Vector512<short> PairSums512(Vector512<byte> codes, Vector512<sbyte> activations)
        => Avx512BW.MultiplyAddAdjacent(codes, activations);

    [SkipLocalsInit]
    static float IBlockFormat<TSelf>.Dot256(byte* row, in ActivationRow activation, int blocks)
    {
        sbyte* codes = activation.Codes;
        short* sums = activation.Sums;

        // Of each block the factor of its products and that of its minima. From memory they come to all lanes for nothing.
        float* factors = stackalloc float[2 * BlocksPerGroup];
        Vector256<float> total = Vector256<float>.Zero;
        Vector256<float> minima = Vector256<float>.Zero;
        for (int first = 0; first < blocks; first += BlocksPerGroup)
        {
            int count = Math.Min(BlocksPerGroup, blocks - first);
            StoreFactors(row, activation.Scales + first, count, factors);
            for (float* factor = factors; factor < factors + count; factor++, row += TSelf.BytesPerBlock, codes += 256, sums += 16)
            {
                WeightPrefetch.Ahead(row, TSelf.BytesPerBlock);
                Vector256<short> groupScales = TSelf.Scales256(row);
                Vector256<short> split = EvenThenOdd(groupScales);
                Vector256<int> even = AddPart(AddPart(default, row, codes, split, 0), row, codes, split, 2);
                Vector256<int> odd = AddPart(AddPart(default, row, codes, split, 1), row, codes, split, 3);
                even = AddPart(AddPart(even, row, codes, split, 4), row, codes, split, 6);
                odd = AddPart(AddPart(odd, row, codes, split, 5), row, codes, split, 7);
                AddBlock(row, even + odd, groupScales, Vector256.Load(sums), factor, ref total, ref minima);
            }
        }

        return Vector256.Sum(total - minima);
    }

    /// <summary>The sums plus the products of 32 values, times the scales of their two groups.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> AddPart(Vector256<int> products, byte* block, sbyte* activations, Vector256<short> evenThenOdd, int part)
    {
        Vector256<short> pairs = TSelf.PairSums256(TSelf.Codes256(block, part), Vector256.Load(activations + (32 * part)));

        // Scale "part" of either half, to all 16-bit places of that half.
        Vector256<byte> spread = Vector256.Create((short)(0x0100 + (part * 0x0202))).AsByte();
        return ProductSums.AddScaled(products, pairs, Avx2.Shuffle(evenThenOdd.AsByte(), spread).AsInt16());
    }

    /// <summary>The scales 0, 2, ... 14 in the lower half and 1, 3, ... 15 in the upper.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> EvenThenOdd(Vector256<short> scales)
    {
        Vector256<byte> evenFirst = Vector256.Create(
            (byte)0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15, 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
        return Avx2.Permute4x64(Avx2.Shuffle(scales.AsByte(), evenFirst).AsInt64(), 0b11_01_10_00).AsInt16();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddBlock(
        byte* block,
        Vector256<int> products,
        Vector256<short> groupScales,
        Vector256<short> sums,
        float* factor,
        ref Vector256<float> total,
        ref Vector256<float> minima)
    {
        if (TSelf.CodeBias != 0)
        {
            products = ProductSums.AddScaled(products, groupScales * (short)-TSelf.CodeBias, sums);
        }

        total = Vector256.MultiplyAddEstimate(Avx.ConvertToVector256Single(products), Vector256.Create(*factor), total);

        if (TSelf.HasMinima)
        {
            minima = Vector256.MultiplyAddEstimate(
                Avx.ConvertToVector256Single(Avx2.MultiplyAddAdjacent(TSelf.Minima256(block), sums)),
                Vector256.Create(factor[BlocksPerGroup]),
                minima);
        }
    }
}
