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
    private const int HeaderBytes = 16;

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

    static float IBlockFormat<TSelf>.Dot512(byte* row, in ActivationRow activation, int blocks)
    {
        ActivationRow column = activation;
        float result;
        TSelf.DotColumns512<OneColumn>(row, &column, blocks, &result, 1);
        return result;
    }

    [SkipLocalsInit]
    static void IBlockFormat<TSelf>.DotColumns512<TColumns>(byte* row, ActivationRow* columns, int blocks, float* results, long stride)
    {
        GroupMemory memory;

        // The compiler would load a constant anew at each of its uses in the loop; combined with a zero that it does not
        // foresee, it stays in a register.
        Vector512<byte> zero = Vector512.Create((byte)(blocks >> 31));
        Vector512<byte> spread0 = Spread512(0) | zero, spread1 = Spread512(1) | zero, spread2 = Spread512(2) | zero, spread3 = Spread512(3) | zero;
        Vector512<uint> rotation0 = TSelf.ApartRotation512(0) | zero.AsUInt32(), rotation1 = TSelf.ApartRotation512(1) | zero.AsUInt32();
        Vector512<uint> rotation2 = TSelf.ApartRotation512(2) | zero.AsUInt32(), rotation3 = TSelf.ApartRotation512(3) | zero.AsUInt32();
        Vector512<float> total0 = default, total1 = default, total2 = default, total3 = default;
        int at = 0;
        for (int left = blocks; left > 0; left -= BlocksPerGroup)
        {
            int count = BlocksPerGroup;
            Vector512<int> headers;
            if (left >= BlocksPerGroup)
            {
                headers = Headers(row);
            }
            else
            {
                count = left;
                columns = GroupMemory.Pad(&memory, row, columns, TColumns.Count, at, count);
                headers = Vector512.Load(memory.Headers).AsInt32();
                at = 0;
            }

            Vector512<byte> scales = SixBitScales.ScalesThenMinima(headers);
            scales.Store(memory.Scales);
            Vector512<short> minima01 = Minima(scales, 0b01_01_00_00), minima23 = Minima(scales, 0b11_11_10_10);
            Vector256<float> factors = SixBitScales.BlockScales(headers);
            AddMinima(columns, at, factors, minima01, minima23, memory.Factors, ref total0);
            if (TColumns.Count > 1)
            {
                AddMinima(columns + 1, at, factors, minima01, minima23, memory.Factors + BlocksPerGroup, ref total1);
            }

            if (TColumns.Count > 2)
            {
                AddMinima(columns + 2, at, factors, minima01, minima23, memory.Factors + (2 * BlocksPerGroup), ref total2);
            }

            if (TColumns.Count > 3)
            {
                AddMinima(columns + 3, at, factors, minima01, minima23, memory.Factors + (3 * BlocksPerGroup), ref total3);
            }

            for (int block = 0; block < count; block++, at++, row += TSelf.BytesPerBlock)
            {
                WeightPrefetch.Ahead(row, TSelf.BytesPerBlock);
                Vector512<byte> blockScales = Avx512F.BroadcastVector128ToVector512((int*)(memory.Scales + (block * HeaderBytes))).AsByte();
                Vector512<short> scales0 = Avx512BW.Shuffle(blockScales, spread0).AsInt16(), scales1 = Avx512BW.Shuffle(blockScales, spread1).AsInt16();
                Vector512<short> scales2 = Avx512BW.Shuffle(blockScales, spread2).AsInt16(), scales3 = Avx512BW.Shuffle(blockScales, spread3).AsInt16();
                Vector512<byte> codes0 = TSelf.ApartCodes512(row, 0, rotation0), codes1 = TSelf.ApartCodes512(row, 1, rotation1);
                Vector512<byte> codes2 = TSelf.ApartCodes512(row, 2, rotation2), codes3 = TSelf.ApartCodes512(row, 3, rotation3);
                Add(columns, at, memory.Factors + block, codes0, codes1, codes2, codes3, scales0, scales1, scales2, scales3, ref total0);
                if (TColumns.Count > 1)
                {
                    Add(columns + 1, at, memory.Factors + BlocksPerGroup + block, codes0, codes1, codes2, codes3, scales0, scales1, scales2, scales3, ref total1);
                }

                if (TColumns.Count > 2)
                {
                    Add(columns + 2, at, memory.Factors + (2 * BlocksPerGroup) + block, codes0, codes1, codes2, codes3, scales0, scales1, scales2, scales3, ref total2);
                }

                if (TColumns.Count > 3)
                {
                    Add(columns + 3, at, memory.Factors + (3 * BlocksPerGroup) + block, codes0, codes1, codes2, codes3, scales0, scales1, scales2, scales3, ref total3);
                }
            }
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

    /// <summary>Takes off the minima of four blocks, and leaves the factors of their products in <paramref name="productFactors"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddMinima(
        ActivationRow* column, int at, Vector256<float> blockScales, Vector512<short> minima01, Vector512<short> minima23, float* productFactors, ref Vector512<float> total)
    {
        short* sums = column->Sums + (16 * at);
        Vector128<float> activationScales = Vector128.Load(column->Scales + at);
        (blockScales.GetLower() * activationScales).Store(productFactors);
        Vector512<float> factors = (blockScales.GetUpper() * activationScales).ToVector256Unsafe().ToVector512Unsafe();
        Vector512<int> places = Vector512.Create(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
        Vector512<float> offsets01 = Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(minima01, Vector512.Load(sums)));
        Vector512<float> offsets23 = Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(minima23, Vector512.Load(sums + 32)));
        total = Avx512F.FusedMultiplyAddNegated(offsets01, Avx512F.PermuteVar16x32(factors, places), total);
        total = Avx512F.FusedMultiplyAddNegated(offsets23, Avx512F.PermuteVar16x32(factors, places + Vector512.Create(2)), total);
    }

    /// <summary>Adds the products of a block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(
        ActivationRow* column,
        int at,
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
        sbyte* values = column->Apart + (256 * at);
        Vector512<int> products =
            (Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(codes0, Vector512.Load(values)), scales0)
                + Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(codes1, Vector512.Load(values + 64)), scales1))
            + (Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(codes2, Vector512.Load(values + 128)), scales2)
                + Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(codes3, Vector512.Load(values + 192)), scales3));
        total = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(products), Vector512.Create(*factor), total);
    }

    /// <summary>
    /// What a group of four blocks needs in memory: from there single scales come to all lanes for nothing. And the last
    /// group of a row, filled up with blocks of zeros, so that nothing is read past the row.
    /// </summary>
    private struct GroupMemory
    {
        public fixed byte Scales[BlocksPerGroup * HeaderBytes];
        public fixed float Factors[4 * BlocksPerGroup];
        public fixed byte Headers[BlocksPerGroup * HeaderBytes];
        private fixed float _activationScales[4 * BlocksPerGroup];
        private fixed short _sums[4 * BlocksPerGroup * 16];
        private ColumnArray _columns;

        /// <summary>Makes a group of the last <paramref name="count"/> blocks and returns their activations.</summary>
        public static ActivationRow* Pad(GroupMemory* memory, byte* row, ActivationRow* columns, int columnCount, int at, int count)
        {
            *memory = default;
            for (int block = 0; block < count; block++)
            {
                Unsafe.CopyBlockUnaligned(memory->Headers + (block * HeaderBytes), row + (block * TSelf.BytesPerBlock), HeaderBytes);
            }

            var padded = (ActivationRow*)&memory->_columns;
            for (int c = 0; c < columnCount; c++)
            {
                float* scales = memory->_activationScales + (c * BlocksPerGroup);
                short* sums = memory->_sums + (c * BlocksPerGroup * 16);
                Unsafe.CopyBlockUnaligned(scales, columns[c].Scales + at, (uint)(count * sizeof(float)));
                Unsafe.CopyBlockUnaligned(sums, columns[c].Sums + (16 * at), (uint)(count * 16 * sizeof(short)));
                padded[c] = new ActivationRow(null, null, scales, sums, columns[c].Apart + (256 * at));
            }

            return padded;
        }
    }

    [InlineArray(4)]
    private struct ColumnArray
    {
        private ActivationRow _first;
    }
}
