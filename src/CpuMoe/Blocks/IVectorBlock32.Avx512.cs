using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

internal unsafe partial interface IVectorBlock32<TSelf>
{
    static float IBlockFormat<TSelf>.Dot512(byte* row, in ActivationRow activation, int blocks)
    {
        ActivationRow column = activation;
        float result;
        TSelf.DotColumns512<OneColumn>(row, &column, blocks, &result, 1);
        return result;
    }

    static void IBlockFormat<TSelf>.DotColumns512<TColumns>(byte* row, ActivationRow* columns, int blocks, float* results, long stride)
        => DotPairs512<TColumns>(row, columns, blocks, results, stride);

    /// <summary>Eight blocks at a time: their scales come in one vector, and what the codes are too large by leaves in another.</summary>
    [SkipLocalsInit]
    private protected static void DotPairs512<TColumns>(byte* row, ActivationRow* columns, int blocks, float* results, long stride)
        where TColumns : struct, IColumnCount
    {
        Vector512<float> total0 = default, total1 = default, total2 = default, total3 = default;
        int b = 0;
        for (; b + 8 <= blocks; b += 8, row += 8 * TSelf.BytesPerBlock)
        {
            WeightPrefetch.Ahead(row, 4 * TSelf.BytesPerBlock);
            WeightPrefetch.Ahead(row + (4 * TSelf.BytesPerBlock), 4 * TSelf.BytesPerBlock);
            Vector256<float> scales = TSelf.Scales256(row);
            Vector256<float> offsets = TSelf.HasOffset ? TSelf.Offsets256(row) : default;
            Vector512<byte> codes0 = PairOfBlocks(row, 0), codes1 = PairOfBlocks(row, 1);
            Vector512<byte> codes2 = PairOfBlocks(row + (4 * TSelf.BytesPerBlock), 0), codes3 = PairOfBlocks(row + (4 * TSelf.BytesPerBlock), 1);
            AddEight(columns, b, scales, offsets, codes0, codes1, codes2, codes3, ref total0);
            if (TColumns.Count > 1)
            {
                AddEight(columns + 1, b, scales, offsets, codes0, codes1, codes2, codes3, ref total1);
            }

            if (TColumns.Count > 2)
            {
                AddEight(columns + 2, b, scales, offsets, codes0, codes1, codes2, codes3, ref total2);
            }

            if (TColumns.Count > 3)
            {
                AddEight(columns + 3, b, scales, offsets, codes0, codes1, codes2, codes3, ref total3);
            }
        }

        if (b + 4 <= blocks)
        {
            Vector128<float> scales = TSelf.RowScales128(row, TSelf.BytesPerBlock);
            Vector128<float> offsets = TSelf.HasOffset ? Float16.LoadFourOfEvery(row + sizeof(Half), TSelf.BytesPerBlock) : default;
            Vector512<byte> codes0 = PairOfBlocks(row, 0), codes1 = PairOfBlocks(row, 1);
            AddFour(columns, b, scales, offsets, codes0, codes1, ref total0);
            if (TColumns.Count > 1)
            {
                AddFour(columns + 1, b, scales, offsets, codes0, codes1, ref total1);
            }

            if (TColumns.Count > 2)
            {
                AddFour(columns + 2, b, scales, offsets, codes0, codes1, ref total2);
            }

            if (TColumns.Count > 3)
            {
                AddFour(columns + 3, b, scales, offsets, codes0, codes1, ref total3);
            }

            b += 4;
            row += 4 * TSelf.BytesPerBlock;
        }

        DotResults.Store<TColumns>(results, stride, total0, total1, total2, total3);
        AddRest<TColumns>(row, columns, b, blocks, results, stride);
    }

    /// <summary>Adds the products of the blocks from <paramref name="b"/> on, which are too few for a vector.</summary>
    /// <param name="row">Block <paramref name="b"/>.</param>
    /// <param name="columns">The activations.</param>
    /// <param name="b">The first block.</param>
    /// <param name="blocks">How many blocks the row has.</param>
    /// <param name="results">Where the products stand.</param>
    /// <param name="stride">How far apart they are.</param>
    private protected static void AddRest<TColumns>(byte* row, ActivationRow* columns, int b, int blocks, float* results, long stride)
        where TColumns : struct, IColumnCount
    {
        for (int c = 0; b < blocks && c < TColumns.Count; c++)
        {
            ActivationRow rest = new(null, columns[c].Codes + (32 * b), columns[c].Scales + b, columns[c].Sums + (2 * b));
            results[c * stride] += TSelf.Dot256(row, rest, blocks - b);
        }
    }

    /// <summary>Whether the products are off by a multiple of the sums of the activations.</summary>
    private static bool NeedsCorrection
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (TSelf.CodeBias != 0 && !TSelf.HasSignedCodes) || TSelf.HasOffset;
    }

    /// <summary>Adds the products of eight blocks with an activation.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddEight(
        ActivationRow* column,
        int block,
        Vector256<float> scales,
        Vector256<float> offsets,
        Vector512<byte> codes0,
        Vector512<byte> codes1,
        Vector512<byte> codes2,
        Vector512<byte> codes3,
        ref Vector512<float> total)
    {
        sbyte* values = column->Codes + (32 * block);
        Vector256<float> scaleOfSums = Vector256.Load(column->Scales + block);
        scales *= scaleOfSums;
        Vector512<float> wide = scales.ToVector512Unsafe();
        Vector512<float> sum0 = Products(codes0, values) * Scale(wide, 0), sum1 = Products(codes1, values + 64) * Scale(wide, 2);
        sum0 = Avx512F.FusedMultiplyAdd(Products(codes2, values + 128), Scale(wide, 4), sum0);
        sum1 = Avx512F.FusedMultiplyAdd(Products(codes3, values + 192), Scale(wide, 6), sum1);
        if (NeedsCorrection)
        {
            // Each correction goes to a lane of its own, the other half of the lanes gets nothing.
            Vector256<float> factors = TSelf.HasOffset ? offsets * scaleOfSums : scales * Vector256.Create((float)-TSelf.CodeBias);
            Vector256<int> sums = Avx2.MultiplyAddAdjacent(Vector256.Load(column->Sums + (2 * block)), Vector256<short>.One);
            total += (Avx.ConvertToVector256Single(sums) * factors).ToVector512();
        }

        total += sum0 + sum1;
    }

    /// <summary>As <see cref="AddEight"/>, with four blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddFour(
        ActivationRow* column, int block, Vector128<float> scales, Vector128<float> offsets, Vector512<byte> codes0, Vector512<byte> codes1, ref Vector512<float> total)
    {
        sbyte* values = column->Codes + (32 * block);
        Vector128<float> scaleOfSums = Vector128.Load(column->Scales + block);
        scales *= scaleOfSums;
        Vector512<float> wide = scales.ToVector256Unsafe().ToVector512Unsafe();
        total = Avx512F.FusedMultiplyAdd(Products(codes0, values), Scale(wide, 0), total);
        total = Avx512F.FusedMultiplyAdd(Products(codes1, values + 64), Scale(wide, 2), total);
        if (NeedsCorrection)
        {
            Vector128<float> factors = TSelf.HasOffset ? offsets * scaleOfSums : scales * Vector128.Create((float)-TSelf.CodeBias);
            Vector128<int> sums = Sse2.MultiplyAddAdjacent(Vector128.Load(column->Sums + (2 * block)), Vector128<short>.One);
            total += (Sse2.ConvertToVector128Single(sums) * factors).ToVector256().ToVector512();
        }
    }

    /// <summary>The scale <paramref name="first"/> to the lower half of the lanes and the next one to the upper.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Scale(Vector512<float> scales, int first) => Avx512F.PermuteVar16x32(
        scales, Vector512.Create(first) + Vector512.Create(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));

    /// <summary>The products of two blocks, in sums of four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Products(Vector512<byte> codes, sbyte* activations)
    {
        Vector512<sbyte> values = Vector512.Load(activations);
        Vector512<short> pairs = TSelf.HasSignedCodes
            ? SignedProducts.PairSums(codes.AsSByte(), values)
            : Avx512BW.MultiplyAddAdjacent(codes, values);
        return Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(pairs, Vector512<short>.One));
    }

    /// <summary>The codes of the first or the second two of four blocks, signed or plus <see cref="CodeBias"/>, in order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> PairOfBlocks(byte* fourBlocks, int pair)
    {
        byte* block = fourBlocks + (2 * pair * TSelf.BytesPerBlock);
        return TSelf.HasSignedCodes
            ? TSelf.Codes256(block).AsByte().ToVector512Unsafe().WithUpper(TSelf.Codes256(block + TSelf.BytesPerBlock).AsByte())
            : TSelf.BiasedCodes256(block).ToVector512Unsafe().WithUpper(TSelf.BiasedCodes256(block + TSelf.BytesPerBlock));
    }
}
