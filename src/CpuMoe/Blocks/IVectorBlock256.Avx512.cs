using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

internal unsafe partial interface IVectorBlock256<TSelf>
{
    /// <summary>Blocks whose float scales are brought from halves to floats side by side.</summary>
    private const int BlocksPerGroup = 4;

    /// <summary>Where in a block its float scale lies, a half; a scale of the minima follows it.</summary>
    static abstract int ScaleOffset { get; }

    static float IBlockFormat<TSelf>.Dot512(byte* row, in ActivationRow activation, int blocks)
    {
        ActivationRow column = activation;
        float result;
        TSelf.DotColumns512<OneColumn>(row, &column, blocks, &result, 1);
        return result;
    }

    static void IBlockFormat<TSelf>.DotColumns512<TColumns>(byte* row, ActivationRow* columns, int blocks, float* results, long stride)
        => DotBlocks512<TColumns>(row, columns, blocks, results, stride);

    /// <summary>As <see cref="IBlockFormat{TSelf}.DotColumns512"/>, for any number of blocks and one by one.</summary>
    [SkipLocalsInit]
    protected static void DotBlocks512<TColumns>(byte* row, ActivationRow* columns, int blocks, float* results, long stride)
        where TColumns : struct, IColumnCount
    {
        // The compiler would load a constant anew at each of its uses in the loop; combined with a zero that it does not
        // foresee, it stays in a register.
        Vector512<short> zero = Vector512.Create((short)(blocks >> 31));
        Vector512<short> spread0 = Spread512(0) | zero, spread1 = Spread512(1) | zero, spread2 = Spread512(2) | zero, spread3 = Spread512(3) | zero;
        Vector512<uint> rotation0 = TSelf.Rotation512(0) | zero.AsUInt32(), rotation1 = TSelf.Rotation512(1) | zero.AsUInt32();
        Vector512<uint> rotation2 = TSelf.Rotation512(2) | zero.AsUInt32(), rotation3 = TSelf.Rotation512(3) | zero.AsUInt32();

        // Of each column and block the factor of its products and that of its minima. From memory they come to all lanes for nothing.
        float* factors = stackalloc float[TColumns.Count * 2 * BlocksPerGroup];
        Vector512<float> total0 = default, total1 = default, total2 = default, total3 = default;
        for (int first = 0; first < blocks; first += BlocksPerGroup)
        {
            int count = Math.Min(BlocksPerGroup, blocks - first);
            for (int c = 0; c < TColumns.Count; c++)
            {
                StoreFactors(row, columns[c].Scales + first, count, factors + (c * 2 * BlocksPerGroup));
            }

            float* factor = factors;
            for (int at = first; at < first + count; at++, factor++, row += TSelf.BytesPerBlock)
            {
                WeightPrefetch.Ahead(row, TSelf.BytesPerBlock);
                Vector256<short> groupScales = TSelf.Scales256(row);
                Vector512<short> scales = groupScales.ToVector512Unsafe();
                Vector512<short> scales0 = Avx512BW.PermuteVar32x16(scales, spread0), scales1 = Avx512BW.PermuteVar32x16(scales, spread1);
                Vector512<short> scales2 = Avx512BW.PermuteVar32x16(scales, spread2), scales3 = Avx512BW.PermuteVar32x16(scales, spread3);
                Vector512<byte> codes0 = TSelf.ProductCodes512(row, 0, rotation0), codes1 = TSelf.ProductCodes512(row, 1, rotation1);
                Vector512<byte> codes2 = TSelf.ProductCodes512(row, 2, rotation2), codes3 = TSelf.ProductCodes512(row, 3, rotation3);
                Vector256<short> bias = TSelf.CodeBias != 0 ? groupScales * (short)TSelf.CodeBias : default;
                Vector256<short> minimum = TSelf.HasMinima ? TSelf.Minima256(row) : default;
                Add(columns, at, factor, codes0, codes1, codes2, codes3, scales0, scales1, scales2, scales3, bias, minimum, ref total0);
                if (TColumns.Count > 1)
                {
                    Add(columns + 1, at, factor + (2 * BlocksPerGroup), codes0, codes1, codes2, codes3, scales0, scales1, scales2, scales3, bias, minimum, ref total1);
                }

                if (TColumns.Count > 2)
                {
                    Add(columns + 2, at, factor + (4 * BlocksPerGroup), codes0, codes1, codes2, codes3, scales0, scales1, scales2, scales3, bias, minimum, ref total2);
                }

                if (TColumns.Count > 3)
                {
                    Add(columns + 3, at, factor + (6 * BlocksPerGroup), codes0, codes1, codes2, codes3, scales0, scales1, scales2, scales3, bias, minimum, ref total3);
                }
            }
        }

        DotResults.Store<TColumns>(results, stride, total0, total1, total2, total3);
    }

    /// <summary>Adds the products of a block and takes off its minima.</summary>
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
        Vector256<short> bias,
        Vector256<short> minimum,
        ref Vector512<float> total)
    {
        sbyte* values = column->Codes + (256 * at);
        short* sums = column->Sums + (16 * at);
        Vector512<int> products =
            (Avx512BW.MultiplyAddAdjacent(TSelf.PairSums512(codes0, Vector512.Load(values)), scales0)
                + Avx512BW.MultiplyAddAdjacent(TSelf.PairSums512(codes1, Vector512.Load(values + 64)), scales1))
            + (Avx512BW.MultiplyAddAdjacent(TSelf.PairSums512(codes2, Vector512.Load(values + 128)), scales2)
                + Avx512BW.MultiplyAddAdjacent(TSelf.PairSums512(codes3, Vector512.Load(values + 192)), scales3));
        if (TSelf.CodeBias != 0)
        {
            products -= Avx2.MultiplyAddAdjacent(bias, Vector256.Load(sums)).ToVector512();
        }

        total = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(products), Vector512.Create(*factor), total);
        if (TSelf.HasMinima)
        {
            Vector512<int> offsets = Avx2.MultiplyAddAdjacent(minimum, Vector256.Load(sums)).ToVector512();
            total = Avx512F.FusedMultiplyAddNegated(Avx512F.ConvertToVector512Single(offsets), Vector512.Create(factor[BlocksPerGroup]), total);
        }
    }

    /// <summary>
    /// Writes the float scales times those of the activations: <see cref="BlocksPerGroup"/> places for the products, then
    /// as many for the minima.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreFactors(byte* row, float* activationScales, int count, float* factors)
    {
        if (count == BlocksPerGroup)
        {
            Vector128<float> scaleOfSums = Vector128.Load(activationScales);
            if (TSelf.HasMinima)
            {
                Vector256<float> scales = Float16.LoadPairsOfEvery(row + TSelf.ScaleOffset, TSelf.BytesPerBlock);
                (scales * scaleOfSums.ToVector256Unsafe().WithUpper(scaleOfSums)).Store(factors);
            }
            else
            {
                (Float16.LoadFourOfEvery(row + TSelf.ScaleOffset, TSelf.BytesPerBlock) * scaleOfSums).Store(factors);
            }

            return;
        }

        for (int i = 0; i < count; i++, row += TSelf.BytesPerBlock)
        {
            factors[i] = TSelf.Scale(row) * activationScales[i];
            if (TSelf.HasMinima)
            {
                factors[BlocksPerGroup + i] = TSelf.MinimumScale(row) * activationScales[i];
            }
        }
    }

    /// <summary>Which group scale belongs to each of the 32 pair sums of a part: lanes of eight are groups of 16 values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Spread512(int part) =>
        Vector512.Create((short)(4 * part))
            + Vector512.Create((short)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
}
