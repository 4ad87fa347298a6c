using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using CpuMoe.Blocks;

namespace CpuMoe.Compute;

// 256-bit vectors: the 16 rows of a tile fill two. There are 16 registers, so the blocks are smaller than with AVX-512.
internal static unsafe partial class TileProduct<TFormat>
{
    // Steps (of 4 values) under one integer or float scale.
    private static int StepsPerGroup
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TFormat.TileValuesPerGroup == 16 ? 4 : 8;
    }

    /// <summary>Four activations times one tile, whose rows are those from <paramref name="firstRow"/> on of the results.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyFour(WeightTile* tile, int firstRow, Column* columns, short* wide, int value, int values)
    {
        if (Wide)
        {
            MultiplyWide(tile, firstRow, columns, wide, value, values);
        }
        else if (AvxVnni.IsSupported)
        {
            MultiplyInFours(tile, firstRow, columns, value, values);
        }
        else
        {
            MultiplyTwo(tile, firstRow, columns, value, values);
            MultiplyTwo(tile, firstRow, columns + 2, value, values);
        }
    }

    /// <summary>
    /// Two activations times one tile: of 4 sums, s01 is that of rows 0 to 7 and activation 1. More activations leave no
    /// registers for the sums in 32 bits, and were no faster for formats that need these rarely.
    /// </summary>
    [SkipLocalsInit]
    private static void MultiplyTwo(WeightTile* tile, int firstRow, Column* columns, int value, int values)
    {
        sbyte* a0 = columns[0].Codes + value, a1 = columns[1].Codes + value;
        byte* codes = tile->Codes;
        int end = 0;
        for (int k = 0; k < values;)
        {
            Vector256<int> i00 = default, i01 = default, i10 = default, i11 = default;
            SubtractMinima(tile, columns, value, k, ref i00, ref i01, ref i10, ref i11);
            end += TFormat.TileValuesPerScale;
            while (k < end)
            {
                short* scales = tile->Scales + ((uint)k / 16 * 2 * WeightTile.Rows);
                Vector256<byte> w0 = Vector256.LoadAligned(codes), w1 = Vector256.LoadAligned(codes + 32);
                Vector256<sbyte> a = Four256(a0 + k), b = Four256(a1 + k);
                Vector256<short> s00 = Products(w0, a), s10 = Products(w1, a), s01 = Products(w0, b), s11 = Products(w1, b);
                codes += 64;
                k += 4;
                for (int step = 1; step < StepsPerSum; step++, codes += 64, k += 4)
                {
                    w0 = Vector256.LoadAligned(codes);
                    w1 = Vector256.LoadAligned(codes + 32);
                    a = Four256(a0 + k);
                    b = Four256(a1 + k);
                    s00 += Products(w0, a);
                    s10 += Products(w1, a);
                    s01 += Products(w0, b);
                    s11 += Products(w1, b);
                }

                Vector256<short> scales0 = Scales256(scales), scales1 = Scales256(scales + WeightTile.Rows);
                i00 += Scaled(s00, scales0);
                i01 += Scaled(s01, scales0);
                i10 += Scaled(s10, scales1);
                i11 += Scaled(s11, scales1);
            }

            AddTwo(tile->Scale, firstRow, columns, 1, value, end - TFormat.TileValuesPerScale, i00, i01, i10, i11);
        }
    }

    /// <summary>Four activations times one tile, with the instruction that sums four products in 32 bits.</summary>
    [SkipLocalsInit]
    private static void MultiplyInFours(WeightTile* tile, int firstRow, Column* columns, int value, int values)
    {
        sbyte* a0 = columns[0].Codes + value, a1 = columns[1].Codes + value, a2 = columns[2].Codes + value, a3 = columns[3].Codes + value;
        byte* codes = tile->Codes;
        byte* memory = stackalloc byte[(8 * sizeof(Vector256<int>)) + 32];
        var totals = (Vector256<int>*)(((nint)memory + 31) & ~31);
        if (TFormat.TileValuesPerGroup != 0)
        {
            new Span<Vector256<int>>(totals, 8).Clear();
            SubtractMinima(tile, columns, value, 0, ref totals[0], ref totals[1], ref totals[4], ref totals[5]);
            SubtractMinima(tile, columns + 2, value, 0, ref totals[2], ref totals[3], ref totals[6], ref totals[7]);
        }

        for (int k = 0; k < values;)
        {
            int group = k;
            Vector256<int> s00 = default, s01 = default, s02 = default, s03 = default, s10 = default, s11 = default, s12 = default, s13 = default;
            if (TFormat.TileValuesPerGroup == 0)
            {
                SubtractMinima(tile, columns, value, k, ref s00, ref s01, ref s10, ref s11);
                SubtractMinima(tile, columns + 2, value, k, ref s02, ref s03, ref s12, ref s13);
            }

            for (int step = 0; step < StepsPerGroup; step++, codes += 64, k += 4)
            {
                Vector256<byte> w0 = Vector256.LoadAligned(codes), w1 = Vector256.LoadAligned(codes + 32);
                Vector256<sbyte> a = Four256(a0 + k);
                s00 = AvxVnni.MultiplyWideningAndAdd(s00, w0, a);
                s10 = AvxVnni.MultiplyWideningAndAdd(s10, w1, a);
                a = Four256(a1 + k);
                s01 = AvxVnni.MultiplyWideningAndAdd(s01, w0, a);
                s11 = AvxVnni.MultiplyWideningAndAdd(s11, w1, a);
                a = Four256(a2 + k);
                s02 = AvxVnni.MultiplyWideningAndAdd(s02, w0, a);
                s12 = AvxVnni.MultiplyWideningAndAdd(s12, w1, a);
                a = Four256(a3 + k);
                s03 = AvxVnni.MultiplyWideningAndAdd(s03, w0, a);
                s13 = AvxVnni.MultiplyWideningAndAdd(s13, w1, a);
            }

            if (TFormat.TileValuesPerGroup == 0)
            {
                AddTwo(tile->Scale, firstRow, columns, 1, value, group, s00, s01, s10, s11);
                AddTwo(tile->Scale, firstRow, columns + 2, 1, value, group, s02, s03, s12, s13);
                continue;
            }

            // With a total for every sum the registers would not do.
            short* scales = tile->Scales + ((uint)group / 16 * 2 * WeightTile.Rows);
            Vector256<int> scales0 = Avx2.ShiftRightArithmetic(Scales256(scales).AsInt32(), 16);
            Vector256<int> scales1 = Avx2.ShiftRightArithmetic(Scales256(scales + WeightTile.Rows).AsInt32(), 16);
            totals[0] += s00 * scales0;
            totals[1] += s01 * scales0;
            totals[2] += s02 * scales0;
            totals[3] += s03 * scales0;
            totals[4] += s10 * scales1;
            totals[5] += s11 * scales1;
            totals[6] += s12 * scales1;
            totals[7] += s13 * scales1;
        }

        if (TFormat.TileValuesPerGroup != 0)
        {
            AddTwo(tile->Scale, firstRow, columns, 1, value, 0, totals[0], totals[1], totals[4], totals[5]);
            AddTwo(tile->Scale, firstRow, columns + 2, 1, value, 0, totals[2], totals[3], totals[6], totals[7]);
        }
    }

    /// <summary>Four activations times one tile of codes in 16 bits, two values at a time.</summary>
    private static void MultiplyWide(WeightTile* tile, int firstRow, Column* columns, short* a, int value, int values)
    {
        byte* codes = tile->Codes;
        for (int k = 0; k < values;)
        {
            int first = k;
            Vector256<int> i00 = default, i01 = default, i02 = default, i03 = default, i10 = default, i11 = default, i12 = default, i13 = default;
            for (int end = k + TFormat.TileValuesPerScale; k < end; k += 2, codes += 64)
            {
                Vector256<short> w0 = Vector256.LoadAligned((short*)codes), w1 = Vector256.LoadAligned((short*)(codes + 32));
                Vector256<short> pair = Pair256(a + k);
                i00 += Scaled(w0, pair);
                i10 += Scaled(w1, pair);
                pair = Pair256(a + WeightTile.Values + k);
                i01 += Scaled(w0, pair);
                i11 += Scaled(w1, pair);
                pair = Pair256(a + (2 * WeightTile.Values) + k);
                i02 += Scaled(w0, pair);
                i12 += Scaled(w1, pair);
                pair = Pair256(a + (3 * WeightTile.Values) + k);
                i03 += Scaled(w0, pair);
                i13 += Scaled(w1, pair);
            }

            AddTwo(tile->Scale, firstRow, columns, 1, value, first, i00, i01, i10, i11);
            AddTwo(tile->Scale, firstRow, columns + 2, 1, value, first, i02, i03, i12, i13);
        }
    }

    /// <summary>y -= scale * minima, for the values of one tile, two activations and the format's own scales of minima.</summary>
    private static void SubtractMinima(WeightTile* tile, int firstRow, Column* columns, int value, int values)
    {
        for (int first = 0; first < values; first += TFormat.TileValuesPerScale)
        {
            Vector256<int> m00 = default, m01 = default, m10 = default, m11 = default;
            AddMinima(tile, columns, value, first, ref m00, ref m01, ref m10, ref m11);
            AddTwo(tile->MinimumScale, firstRow, columns, -1, value, first, m00, m01, m10, m11);
        }
    }

    /// <summary>Takes the minima that have the scale of the codes off sums of products.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SubtractMinima(
        WeightTile* tile, Column* columns, int value, int first, ref Vector256<int> i00, ref Vector256<int> i01, ref Vector256<int> i10, ref Vector256<int> i11)
    {
        if (TFormat.TileMinima != TileMinima.SameScale)
        {
            return;
        }

        Vector256<int> m00 = default, m01 = default, m10 = default, m11 = default;
        AddMinima(tile, columns, value, first, ref m00, ref m01, ref m10, ref m11);
        i00 -= m00;
        i01 -= m01;
        i10 -= m10;
        i11 -= m11;
    }

    /// <summary>The minima times the sums of two activations, over the values under one float scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddMinima(
        WeightTile* tile, Column* columns, int value, int first, ref Vector256<int> m00, ref Vector256<int> m01, ref Vector256<int> m10, ref Vector256<int> m11)
    {
        short* sums0 = columns[0].Sums + ((uint)(value + first) / 16), sums1 = columns[1].Sums + ((uint)(value + first) / 16);
        short* minima = tile->Minima + ((uint)first / 32 * 2 * WeightTile.Rows);
        for (int pair = 0; pair < TFormat.TileValuesPerScale / 32; pair++, minima += 2 * WeightTile.Rows)
        {
            Vector256<short> lower = Vector256.LoadAligned(minima), upper = Vector256.LoadAligned(minima + WeightTile.Rows);
            Vector256<short> a = Pair256(sums0 + (2 * pair)), b = Pair256(sums1 + (2 * pair));
            m00 = ProductSums.AddScaled(m00, lower, a);
            m10 = ProductSums.AddScaled(m10, upper, a);
            m01 = ProductSums.AddScaled(m01, lower, b);
            m11 = ProductSums.AddScaled(m11, upper, b);
        }
    }

    /// <summary>y += sign * scale * sum, for one tile, two activations and the values under one float scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTwo(
        float* scales, int firstRow, Column* columns, float sign, int value, int first, Vector256<int> i00, Vector256<int> i01, Vector256<int> i10, Vector256<int> i11)
    {
        scales += (uint)first / (uint)TFormat.TileValuesPerScale * WeightTile.Rows;
        Vector256<float> lower = Vector256.LoadAligned(scales), upper = Vector256.LoadAligned(scales + 8);
        uint part = (uint)(value + first) / (uint)TFormat.TileValuesPerScale;
        float scale0 = sign * columns[0].Scales[part], scale1 = sign * columns[1].Scales[part];
        float* results0 = columns[0].Results + firstRow, results1 = columns[1].Results + firstRow;
        AddTo(results0, lower, scale0, i00);
        AddTo(results0 + 8, upper, scale0, i10);
        AddTo(results1, lower, scale1, i01);
        AddTo(results1 + 8, upper, scale1, i11);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo(float* results, Vector256<float> scale, float activationScale, Vector256<int> sum) =>
        Vector256.MultiplyAddEstimate(
            Avx.ConvertToVector256Single(sum) * scale, Vector256.Create(activationScale), Vector256.Load(results)).Store(results);

    /// <summary>Four values of an activation, for eight rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<sbyte> Four256(sbyte* activations) => Vector256.Create(*(int*)activations).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Pair256(short* sums) => Vector256.Create(*(int*)sums).AsInt16();

    /// <summary>The integer scales of eight rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Scales256(short* scales) =>
        TFormat.TileValuesPerGroup != 0 ? Vector256.LoadAligned(scales) : Vector256<short>.One;

    /// <summary>Sums of two neighbouring products of eight rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Products(Vector256<byte> codes, Vector256<sbyte> activations) => Avx2.MultiplyAddAdjacent(codes, activations);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Scaled(Vector256<short> sums, Vector256<short> scales) => Avx2.MultiplyAddAdjacent(sums, scales);
}
