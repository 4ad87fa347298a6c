using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>
/// The 512-bit dot product of the formats of 32 values whose codes have <see cref="Nibbles"/> and perhaps <see cref="FifthBits"/>:
/// Q4_0, Q4_1, Q5_0 and Q5_1, for processors with VBMI.
/// </summary>
/// <remarks>
/// Four blocks to a vector: one holds the first 16 values of each, another the last 16, the order of
/// <see cref="ActivationRow.Apart"/>. A quarter of a vector then belongs to one block, so that its scale multiplies a sum of
/// all its products, and a permutation of the bytes of four blocks brings scales and fifth bits to where they are used.
/// </remarks>
/// <typeparam name="TSelf">The format itself.</typeparam>
internal unsafe interface INibbleBlock32<TSelf> : IVectorBlock32<TSelf>
    where TSelf : struct, INibbleBlock32<TSelf>
{
    /// <summary>Where in a block the 16 bytes of <see cref="Nibbles"/> begin.</summary>
    static abstract int NibblesAt { get; }

    /// <summary>Where in a block the word of <see cref="FifthBits"/> begins; -1 where there is none.</summary>
    static virtual int FifthBitsAt => -1;

    private static int FourBlocks => 4 * TSelf.BytesPerBlock;

    [SkipLocalsInit]
    static void IBlockFormat<TSelf>.DotColumns512<TColumns>(byte* row, ActivationRow* columns, int blocks, float* results, long stride)
    {
        if (!Avx512Vbmi.IsSupported || blocks < 4)
        {
            IVectorBlock32<TSelf>.DotPairs512<TColumns>(row, columns, blocks, results, stride);
            return;
        }

        // See ISixBitBlock256 for the zero and for why no call may come before the sums are stored.
        Vector512<byte> zero = Vector512.Create((byte)(blocks >> 31));
        Vector512<byte> nibbles = NibblePlaces | zero, headers = HeaderPlaces | zero;
        Vector512<byte> fifthBits0 = FifthBitStarts(0) | zero, fifthBits1 = FifthBitStarts(8) | zero;
        Vector512<short> correction = Correction | zero.AsInt16();
        Vector512<int> scalePlaces = ScalePlaces | zero.AsInt32(), evenPlaces = Vector512.Create(0xffff_ffffUL).AsInt32() | zero.AsInt32();
        Vector512<float> total0 = default, total1 = default, total2 = default, total3 = default;
        nint b = 0;
        for (; b + 8 <= blocks; b += 8, row += 2 * FourBlocks)
        {
            WeightPrefetch.Ahead(row, 2 * FourBlocks);
            Vector512<byte> start0 = Vector512.Load(row), end0 = Vector512.Load(row + FourBlocks - 64);
            Vector512<byte> start1 = Vector512.Load(row + FourBlocks), end1 = Vector512.Load(row + (2 * FourBlocks) - 64);
            Vector512<byte> headers0 = Avx512Vbmi.PermuteVar64x8x2(start0, headers, end0);
            Vector512<byte> headers1 = Avx512Vbmi.PermuteVar64x8x2(start1, headers, end1);
            Vector512<byte> codes0 = Avx512Vbmi.PermuteVar64x8x2(start0, nibbles, end0);
            Vector512<byte> codes1 = Avx512Vbmi.PermuteVar64x8x2(start1, nibbles, end1);
            Vector512<float> scales = Scales(headers0, headers1, evenPlaces);
            Vector512<float> offsets = TSelf.HasOffset ? Offsets(start0, end0, start1, end1, headers, evenPlaces) : default;
            Vector512<byte> low0 = Low(codes0, headers0, fifthBits0), high0 = High(codes0, headers0, fifthBits1);
            Vector512<byte> low1 = Low(codes1, headers1, fifthBits0), high1 = High(codes1, headers1, fifthBits1);
            AddEight(columns, b, scales, offsets, low0, high0, low1, high1, scalePlaces, correction, ref total0);
            if (TColumns.Count > 1)
            {
                AddEight(columns + 1, b, scales, offsets, low0, high0, low1, high1, scalePlaces, correction, ref total1);
            }

            if (TColumns.Count > 2)
            {
                AddEight(columns + 2, b, scales, offsets, low0, high0, low1, high1, scalePlaces, correction, ref total2);
            }

            if (TColumns.Count > 3)
            {
                AddEight(columns + 3, b, scales, offsets, low0, high0, low1, high1, scalePlaces, correction, ref total3);
            }
        }

        if (b + 4 <= blocks)
        {
            Vector512<byte> start = Vector512.Load(row), end = Vector512.Load(row + FourBlocks - 64);
            Vector512<byte> headers0 = Avx512Vbmi.PermuteVar64x8x2(start, headers, end);
            Vector512<byte> codes = Avx512Vbmi.PermuteVar64x8x2(start, nibbles, end);
            Vector512<float> scales = Scales(headers0, headers0, evenPlaces);
            Vector512<float> offsets = TSelf.HasOffset ? Offsets(start, end, start, end, headers, evenPlaces) : default;
            Vector512<byte> low = Low(codes, headers0, fifthBits0), high = High(codes, headers0, fifthBits1);
            AddLastFour(columns, b, scales, offsets, low, high, scalePlaces, correction, ref total0);
            if (TColumns.Count > 1)
            {
                AddLastFour(columns + 1, b, scales, offsets, low, high, scalePlaces, correction, ref total1);
            }

            if (TColumns.Count > 2)
            {
                AddLastFour(columns + 2, b, scales, offsets, low, high, scalePlaces, correction, ref total2);
            }

            if (TColumns.Count > 3)
            {
                AddLastFour(columns + 3, b, scales, offsets, low, high, scalePlaces, correction, ref total3);
            }

            b += 4;
            row += FourBlocks;
        }

        DotResults.Store<TColumns>(results, stride, total0, total1, total2, total3);
        if (b < blocks)
        {
            IVectorBlock32<TSelf>.AddRest<TColumns>(row, columns, (int)b, blocks, results, stride);
        }
    }

    /// <summary>The places of the nibbles of four blocks.</summary>
    private static Vector512<byte> NibblePlaces
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => BlockStarts + Vector512.Create((byte)TSelf.NibblesAt) + Vector512.Create(
            (byte)0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
            0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    }

    /// <summary>
    /// The places of what the header of a block holds: in the upper half of each 32 bits the scale, in the lower the bytes of the
    /// fifth bits of values i to i + 7 and i + 16 to i + 23, where i is 0 in the first 64 bits of a block and 8 in the others.
    /// </summary>
    private static Vector512<byte> HeaderPlaces
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            Vector512<byte> scales = Vector512.Create(0x0100_0000_0100_0000).AsByte();
            Vector512<byte> bits = TSelf.FifthBitsAt < 0 ? default
                : (Vector512.Create((byte)TSelf.FifthBitsAt) & Vector512.Create(0x0000_ffff_0000_ffff).AsByte())
                    + Vector512.Create(0x0000_0200_0000_0200, 0x0000_0301_0000_0301, 0x0000_0200_0000_0200, 0x0000_0301_0000_0301, 0x0000_0200_0000_0200, 0x0000_0301_0000_0301, 0x0000_0200_0000_0200, 0x0000_0301_0000_0301).AsByte();
            return BlockStarts + scales + bits;
        }
    }

    /// <summary>
    /// Where the four blocks begin in two vectors, of which the first begins with the first block and the second ends with the
    /// last one: no byte beyond the four is read, and each vector holds two whole blocks.
    /// </summary>
    private static Vector512<byte> BlockStarts
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            Vector512<byte> second = Vector512.Create(0, 0, ulong.MaxValue, ulong.MaxValue, 0, 0, ulong.MaxValue, ulong.MaxValue).AsByte() & Vector512.Create((byte)TSelf.BytesPerBlock);
            Vector512<byte> upper = Vector512.Create(0, 0, 0, 0, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue).AsByte() & Vector512.Create((byte)(128 - (2 * TSelf.BytesPerBlock)));
            return second + upper;
        }
    }

    /// <summary>Which places of the scales of eight activations meet the <see cref="Scales"/>.</summary>
    private static Vector512<int> ScalePlaces => Vector512.Create(0, 4, 0, 4, 1, 5, 1, 5, 2, 6, 2, 6, 3, 7, 3, 7);

    /// <summary>What the two sums of the activations of each block are multiplied with, all four sums standing in each quarter of a vector.</summary>
    private static Vector512<short> Correction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512.Create((short)(TSelf.HasOffset ? 1 : -TSelf.CodeBias))
            & Vector512.Create(0xffff_ffff, 0, 0xffff_ffff_0000_0000, 0, 0, 0xffff_ffff, 0, 0xffff_ffff_0000_0000).AsInt16();
    }

    /// <summary>From which bit on eight bits of a header are taken so that the fifth bit of each code comes to its place, 4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> FifthBitStarts(int firstBit) =>
        (Vector512.Create(0x0706_0504_0302_0100).AsByte() + Vector512.Create((byte)(firstBit + 60))) & Vector512.Create((byte)63);

    /// <summary>The codes of the values 0 to 15 of four blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Low(Vector512<byte> nibbles, Vector512<byte> headers, Vector512<byte> fifthBits) => TSelf.FifthBitsAt < 0
        ? nibbles & Vector512.Create((byte)15)
        : Vector512.ConditionalSelect(Vector512.Create((byte)15), nibbles, Avx512Vbmi.MultiShift(fifthBits, headers.AsUInt64())) & Vector512.Create((byte)31);

    /// <summary>The codes of the values 16 to 31 of four blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> High(Vector512<byte> nibbles, Vector512<byte> headers, Vector512<byte> fifthBits) =>
        Low(Avx512BW.ShiftRightLogical(nibbles.AsUInt16(), 4).AsByte(), headers, fifthBits);

    /// <summary>The scales of eight blocks: those of the first four in the <paramref name="evenPlaces"/>, those of the others between.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Scales(Vector512<byte> headers0, Vector512<byte> headers1, Vector512<int> evenPlaces) =>
        Float16.FromUpperHalves(Vector512.ConditionalSelect(evenPlaces, headers0.AsInt32(), headers1.AsInt32()));

    /// <summary>The offsets of eight blocks, in the order of the scales, beside which they lie.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Offsets(Vector512<byte> start0, Vector512<byte> end0, Vector512<byte> start1, Vector512<byte> end1, Vector512<byte> headers, Vector512<int> evenPlaces)
    {
        Vector512<byte> places = headers + Vector512.Create((byte)sizeof(Half));
        return Scales(Avx512Vbmi.PermuteVar64x8x2(start0, places, end0), Avx512Vbmi.PermuteVar64x8x2(start1, places, end1), evenPlaces);
    }

    /// <summary>Adds the products of eight blocks with an activation.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddEight(
        ActivationRow* column,
        nint block,
        Vector512<float> scales,
        Vector512<float> offsets,
        Vector512<byte> low0,
        Vector512<byte> high0,
        Vector512<byte> low1,
        Vector512<byte> high1,
        Vector512<int> scalePlaces,
        Vector512<short> correction,
        ref Vector512<float> total)
    {
        Vector512<float> activationScales = Avx512F.PermuteVar16x32(Vector256.Load(column->Scales + block).ToVector512Unsafe(), scalePlaces);
        scales *= activationScales;
        offsets *= activationScales;
        AddFour(column, block, Avx512F.DuplicateEvenIndexed(scales), Avx512F.DuplicateEvenIndexed(offsets), low0, high0, correction, ref total);
        AddFour(column, block + 4, Avx512F.DuplicateOddIndexed(scales), Avx512F.DuplicateOddIndexed(offsets), low1, high1, correction, ref total);
    }

    /// <summary>As <see cref="AddEight"/> with four blocks, whose scales are in all places.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddLastFour(
        ActivationRow* column,
        nint block,
        Vector512<float> scales,
        Vector512<float> offsets,
        Vector512<byte> low,
        Vector512<byte> high,
        Vector512<int> scalePlaces,
        Vector512<short> correction,
        ref Vector512<float> total)
    {
        Vector128<float> four = Vector128.Load(column->Scales + block);
        Vector512<float> activationScales = Avx512F.PermuteVar16x32(four.ToVector256Unsafe().WithUpper(four).ToVector512Unsafe(), scalePlaces);
        AddFour(column, block, scales * activationScales, offsets * activationScales, low, high, correction, ref total);
    }

    /// <summary>Adds the products of four blocks with an activation, given the products of their scales and offsets with its scales.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddFour(
        ActivationRow* column, nint block, Vector512<float> scales, Vector512<float> offsets, Vector512<byte> low, Vector512<byte> high, Vector512<short> correction, ref Vector512<float> total)
    {
        // 16 bits hold four products: 4 * 31 * 127 = 15748.
        sbyte* values = column->Apart + (32 * block);
        Vector512<short> fours = Avx512BW.MultiplyAddAdjacent(low, Vector512.Load(values)) + Avx512BW.MultiplyAddAdjacent(high, Vector512.Load(values + 64));
        Vector512<int> products = Avx512BW.MultiplyAddAdjacent(fours, Vector512<short>.One);
        Vector512<int> sums = Avx512BW.MultiplyAddAdjacent(Avx512F.BroadcastVector128ToVector512((int*)(column->Sums + (2 * block))).AsInt16(), correction);
        if (!TSelf.HasOffset)
        {
            products += sums;
        }

        total = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(products), scales, total);
        if (TSelf.HasOffset)
        {
            total = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(sums), offsets, total);
        }
    }
}
