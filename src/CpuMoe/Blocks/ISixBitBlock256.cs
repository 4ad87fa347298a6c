using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>
/// The 512-bit dot product of the formats whose blocks begin with two half scales and <see cref="SixBitScales"/>, 16 bytes
/// in all, and whose 4-bit codes lie as <see cref="NibblePairs"/> describes: Q4_K and Q5_K.
/// </summary>
/// <remarks>
/// Four blocks at a time: their headers fill one vector, so that scales and minima of all four are unpacked together. A
/// core is as busy with unpacking as with products, and each instruction saved here brings it nearer to the speed of memory.
/// </remarks>
/// <typeparam name="TSelf">The format itself.</typeparam>
internal unsafe interface ISixBitBlock256<TSelf> : IVectorBlock256<TSelf>
    where TSelf : struct, ISixBitBlock256<TSelf>
{
    private const int BlocksPerGroup = 4;

    /// <summary>
    /// The unsigned codes of two sub-blocks of 32 values: in part 0..3 the sub-blocks 0 and 2, 1 and 3, 4 and 6, 5 and 7, the
    /// order of <see cref="ActivationRow.Apart"/>.
    /// </summary>
    /// <param name="block">The block.</param>
    /// <param name="part">The part.</param>
    /// <param name="rotation">What <see cref="ApartRotation512"/> gives for the part.</param>
    static abstract Vector512<byte> ApartCodes512(byte* block, int part, Vector512<uint> rotation);

    /// <summary>A constant that <see cref="ApartCodes512"/> needs in a part, for the dot product to hold in a register.</summary>
    static virtual Vector512<uint> ApartRotation512(int part) => default;

    [SkipLocalsInit]
    static void IBlockFormat<TSelf>.DotColumns512<TColumns>(byte* row, ActivationRow* columns, int blocks, float* results, long stride)
    {
        if (blocks < BlocksPerGroup)
        {
            DotBlocks512<TColumns>(row, columns, blocks, results, stride);
            return;
        }

        // The compiler would load a constant anew at each of its uses in the loop; combined with a zero that it does not
        // foresee, it stays in a register. No call may come before the sums are stored: no vector register survives one.
        Vector512<byte> zero = Vector512.Create((byte)(blocks >> 31));
        Vector512<byte> spread0 = Spread512(0) | zero, spread1 = Spread512(1) | zero, spread2 = Spread512(2) | zero, spread3 = Spread512(3) | zero;
        Vector512<uint> rotation0 = TSelf.ApartRotation512(0) | zero.AsUInt32(), rotation1 = TSelf.ApartRotation512(1) | zero.AsUInt32();
        Vector512<uint> rotation2 = TSelf.ApartRotation512(2) | zero.AsUInt32(), rotation3 = TSelf.ApartRotation512(3) | zero.AsUInt32();

        // Of each column and block the factor of its products. From memory it comes to all lanes for nothing.
        float* factors = stackalloc float[TColumns.Count * BlocksPerGroup];
        Vector512<float> total0 = default, total1 = default, total2 = default, total3 = default;
        for (int done = 0; done < blocks;)
        {
            // The last group of a row begins with blocks that were met before, where it would have too few: their factors are 0.
            int at = Math.Min(done, blocks - BlocksPerGroup), skipped = done - at;
            done = at + BlocksPerGroup;
            byte* group = row + ((long)at * TSelf.BytesPerBlock);
            Vector128<float> isNew = Vector128.GreaterThanOrEqual(Vector128.Create(0, 1, 2, 3), Vector128.Create(skipped)).AsSingle();
            Vector512<int> headers = Headers(group);
            Vector512<byte> scales = SixBitScales.ScalesThenMinima(headers);
            Vector512<short> minima01 = Minima(scales, 0b01_01_00_00), minima23 = Minima(scales, 0b11_11_10_10);
            Vector256<float> blockScales = SixBitScales.BlockScales(headers);
            AddMinima(columns, at, isNew, blockScales, minima01, minima23, factors, ref total0);
            if (TColumns.Count > 1)
            {
                AddMinima(columns + 1, at, isNew, blockScales, minima01, minima23, factors + BlocksPerGroup, ref total1);
            }

            if (TColumns.Count > 2)
            {
                AddMinima(columns + 2, at, isNew, blockScales, minima01, minima23, factors + (2 * BlocksPerGroup), ref total2);
            }

            if (TColumns.Count > 3)
            {
                AddMinima(columns + 3, at, isNew, blockScales, minima01, minima23, factors + (3 * BlocksPerGroup), ref total3);
            }

            if (skipped == 0)
            {
                AddBlock<TColumns>(
                    group, factors, columns, 256 * at, Lane(scales, 0b00_00_00_00), spread0, spread1, spread2, spread3, rotation0, rotation1, rotation2, rotation3, ref total0, ref total1, ref total2, ref total3);
            }

            if (skipped <= 1)
            {
                AddBlock<TColumns>(
                    group + TSelf.BytesPerBlock, factors + 1, columns, (256 * at) + 256, Lane(scales, 0b01_01_01_01), spread0, spread1, spread2, spread3, rotation0, rotation1, rotation2, rotation3, ref total0, ref total1, ref total2, ref total3);
            }

            if (skipped <= 2)
            {
                AddBlock<TColumns>(
                    group + (2 * TSelf.BytesPerBlock), factors + 2, columns, (256 * at) + 512, Lane(scales, 0b10_10_10_10), spread0, spread1, spread2, spread3, rotation0, rotation1, rotation2, rotation3, ref total0, ref total1, ref total2, ref total3);
            }

            AddBlock<TColumns>(
                group + (3 * TSelf.BytesPerBlock), factors + 3, columns, (256 * at) + 768, Lane(scales, 0b11_11_11_11), spread0, spread1, spread2, spread3, rotation0, rotation1, rotation2, rotation3, ref total0, ref total1, ref total2, ref total3);
        }

        DotResults.Store<TColumns>(results, stride, total0, total1, total2, total3);
    }

    /// <summary>The first 16 bytes of each of four blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Headers(byte* row)
    {
        Vector512<int> headers = Vector128.Load((int*)row).ToVector256Unsafe().ToVector512Unsafe();
        headers = Avx512F.InsertVector128(headers, Vector128.Load((int*)(row + TSelf.BytesPerBlock)), 1);
        headers = Avx512F.InsertVector128(headers, Vector128.Load((int*)(row + (2 * TSelf.BytesPerBlock))), 2);
        return Avx512F.InsertVector128(headers, Vector128.Load((int*)(row + (3 * TSelf.BytesPerBlock))), 3);
    }

    /// <summary>The minima of two blocks, each twice: one for every 16 values. Where the blocks are is said by <paramref name="lanes"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Minima(Vector512<byte> scalesThenMinima, [ConstantExpected] byte lanes)
    {
        const byte No = 0x80;
        Vector512<byte> pairs = Avx512F.Shuffle4x128(scalesThenMinima.AsInt32(), scalesThenMinima.AsInt32(), lanes).AsByte();
        return Avx512BW.Shuffle(
            pairs,
            Vector512.Create(
                8, No, 8, No, 9, No, 9, No, 10, No, 10, No, 11, No, 11, No, 12, No, 12, No, 13, No, 13, No, 14, No, 14, No, 15, No, 15, No,
                8, No, 8, No, 9, No, 9, No, 10, No, 10, No, 11, No, 11, No, 12, No, 12, No, 13, No, 13, No, 14, No, 14, No, 15, No, 15, No)).AsInt16();
    }

    /// <summary>
    /// Which byte of the scales belongs to each of the 32 pair sums of a part, as a 16-bit number: those of its first sub-block
    /// in the lower half and those of its second in the upper.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Spread512(int part) =>
        (Vector512.Create((ushort)(0x8000 + (4 * (part / 2)) + (part % 2)))
            + Vector512.Create((ushort)0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2)).AsByte();

    /// <summary>Takes off the minima of four blocks, or of those that are new, and leaves the factors of their products in <paramref name="productFactors"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddMinima(
        ActivationRow* column, int at, Vector128<float> isNew, Vector256<float> blockScales, Vector512<short> minima01, Vector512<short> minima23, float* productFactors, ref Vector512<float> total)
    {
        short* sums = column->Sums + (16 * at);
        Vector128<float> activationScales = Vector128.Load(column->Scales + at) & isNew;
        (blockScales.GetLower() * activationScales).Store(productFactors);
        Vector512<float> factors = (blockScales.GetUpper() * activationScales).ToVector256Unsafe().ToVector512Unsafe();
        Vector512<int> places = Vector512.Create(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
        Vector512<float> offsets01 = Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(minima01, Vector512.Load(sums)));
        Vector512<float> offsets23 = Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(minima23, Vector512.Load(sums + 32)));
        total = Avx512F.FusedMultiplyAddNegated(offsets01, Avx512F.PermuteVar16x32(factors, places), total);
        total = Avx512F.FusedMultiplyAddNegated(offsets23, Avx512F.PermuteVar16x32(factors, places + Vector512.Create(2)), total);
    }

    /// <summary>One quarter of a vector, four times.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Lane(Vector512<byte> scales, [ConstantExpected] byte lanes) => Avx512F.Shuffle4x128(scales.AsInt32(), scales.AsInt32(), lanes).AsByte();

    /// <summary>Adds the products of a block with all activations, whose values begin at <paramref name="value"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddBlock<TColumns>(
        byte* block,
        float* factors,
        ActivationRow* columns,
        int value,
        Vector512<byte> scales,
        Vector512<byte> spread0,
        Vector512<byte> spread1,
        Vector512<byte> spread2,
        Vector512<byte> spread3,
        Vector512<uint> rotation0,
        Vector512<uint> rotation1,
        Vector512<uint> rotation2,
        Vector512<uint> rotation3,
        ref Vector512<float> total0,
        ref Vector512<float> total1,
        ref Vector512<float> total2,
        ref Vector512<float> total3)
        where TColumns : struct, IColumnCount
    {
        WeightPrefetch.Ahead(block, TSelf.BytesPerBlock);
        Vector512<short> scales0 = Avx512BW.Shuffle(scales, spread0).AsInt16(), scales1 = Avx512BW.Shuffle(scales, spread1).AsInt16();
        Vector512<short> scales2 = Avx512BW.Shuffle(scales, spread2).AsInt16(), scales3 = Avx512BW.Shuffle(scales, spread3).AsInt16();
        Vector512<byte> codes0 = TSelf.ApartCodes512(block, 0, rotation0), codes1 = TSelf.ApartCodes512(block, 1, rotation1);
        Vector512<byte> codes2 = TSelf.ApartCodes512(block, 2, rotation2), codes3 = TSelf.ApartCodes512(block, 3, rotation3);
        Add(columns->Apart + value, factors, codes0, codes1, codes2, codes3, scales0, scales1, scales2, scales3, ref total0);
        if (TColumns.Count > 1)
        {
            Add(columns[1].Apart + value, factors + BlocksPerGroup, codes0, codes1, codes2, codes3, scales0, scales1, scales2, scales3, ref total1);
        }

        if (TColumns.Count > 2)
        {
            Add(columns[2].Apart + value, factors + (2 * BlocksPerGroup), codes0, codes1, codes2, codes3, scales0, scales1, scales2, scales3, ref total2);
        }

        if (TColumns.Count > 3)
        {
            Add(columns[3].Apart + value, factors + (3 * BlocksPerGroup), codes0, codes1, codes2, codes3, scales0, scales1, scales2, scales3, ref total3);
        }
    }

    /// <summary>Adds the products of a block with one activation.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(
        sbyte* values,
        float* factor,
        Vector512<byte> codes0,
        Vector512<byte> codes1,
        Vector512<byte> codes2,
        Vector512<byte> codes3,
        Vector512<short> scales0,
        Vector512<short> scales1,
        Vector512<short> scales2,
        Vector512<short> scales3,
        ref Vector512<float> total)
    {
        Vector512<int> products =
            (Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(codes0, Vector512.Load(values)), scales0)
                + Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(codes1, Vector512.Load(values + 64)), scales1))
            + (Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(codes2, Vector512.Load(values + 128)), scales2)
                + Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(codes3, Vector512.Load(values + 192)), scales3));
        total = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(products), Vector512.Create(*factor), total);
    }
}
