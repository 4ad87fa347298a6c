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

            int first = end - TFormat.TileValuesPerScale;
            AddScaled(tile, 0, columns + 0, firstRow, i00, value, first);
            AddScaled(tile, 8, columns + 0, firstRow, i10, value, first);
            AddScaled(tile, 0, columns + 1, firstRow, i01, value, first);
            AddScaled(tile, 8, columns + 1, firstRow, i11, value, first);
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
        for (int i = 0; TFormat.TileValuesPerGroup != 0 && i < 8; i++)
        {
            totals[i] = default;
        }

        for (int k = 0; k < values;)
        {
            int group = k;
            Vector256<int> s00 = default, s01 = default, s02 = default, s03 = default, s10 = default, s11 = default, s12 = default, s13 = default;
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
                AddFour(tile, firstRow, columns, value, group, s00, s01, s02, s03, s10, s11, s12, s13);
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
            AddFour(tile, firstRow, columns, value, 0, totals[0], totals[1], totals[2], totals[3], totals[4], totals[5], totals[6], totals[7]);
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

            AddFour(tile, firstRow, columns, value, first, i00, i01, i02, i03, i10, i11, i12, i13);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddFour(
        WeightTile* tile, int firstRow, Column* columns, int value, int first, Vector256<int> i00, Vector256<int> i01, Vector256<int> i02, Vector256<int> i03, Vector256<int> i10, Vector256<int> i11, Vector256<int> i12, Vector256<int> i13)
    {
        AddScaled(tile, 0, columns + 0, firstRow, i00, value, first);
        AddScaled(tile, 0, columns + 1, firstRow, i01, value, first);
        AddScaled(tile, 0, columns + 2, firstRow, i02, value, first);
        AddScaled(tile, 0, columns + 3, firstRow, i03, value, first);
        AddScaled(tile, 8, columns + 0, firstRow, i10, value, first);
        AddScaled(tile, 8, columns + 1, firstRow, i11, value, first);
        AddScaled(tile, 8, columns + 2, firstRow, i12, value, first);
        AddScaled(tile, 8, columns + 3, firstRow, i13, value, first);
    }

    /// <summary>y += scale * (sum - minima), for eight rows of a tile, one activation and the values under one float scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddScaled(WeightTile* tile, int row, Column* column, int firstRow, Vector256<int> sum, int value, int first)
    {
        if (TFormat.TileMinima == TileMinima.SameScale && !Wide)
        {
            sum -= Minima(tile, row, column, value, first);
        }

        Vector256<float> scale = Vector256.Load(tile->Scale + ((uint)first / (uint)TFormat.TileValuesPerScale * WeightTile.Rows) + row);
        AddTo(column->Results + firstRow + row, scale, column->Scales[(uint)(value + first) / (uint)TFormat.TileValuesPerScale], sum);
    }

    private static void SubtractMinima(WeightTile* tile, int firstRow, Column* column, int value, int values)
    {
        for (int first = 0; first < values; first += TFormat.TileValuesPerScale)
        {
            float* scale = tile->MinimumScale + ((uint)first / (uint)TFormat.TileValuesPerScale * WeightTile.Rows);
            float activationScale = -column->Scales[(uint)(value + first) / (uint)TFormat.TileValuesPerScale];
            AddTo(column->Results + firstRow, Vector256.Load(scale), activationScale, Minima(tile, 0, column, value, first));
            AddTo(column->Results + firstRow + 8, Vector256.Load(scale + 8), activationScale, Minima(tile, 8, column, value, first));
        }
    }

    /// <summary>The minima of eight rows times the sums of the activations, over the values under one float scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Minima(WeightTile* tile, int row, Column* column, int value, int first)
    {
        short* sums = column->Sums + ((uint)(value + first) / 16);
        short* minima = tile->Minima + ((uint)first / 32 * 2 * WeightTile.Rows) + (2 * row);
        Vector256<int> total = Scaled(Vector256.Load(minima), Pair256(sums));
        for (int pair = 1; pair < TFormat.TileValuesPerScale / 32; pair++)
        {
            total += Scaled(Vector256.Load(minima + (pair * 2 * WeightTile.Rows)), Pair256(sums + (2 * pair)));
        }

        return total;
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
