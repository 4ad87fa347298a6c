using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using CpuMoe.Blocks;

namespace CpuMoe.Compute;

// 512-bit vectors: one holds four values of all 16 rows of a tile.
internal static unsafe partial class TileProduct<TFormat>
{
    /// <summary>Four activations times the two tiles: of 16 sums, s01 is that of tile 0 and activation 1.</summary>
    [SkipLocalsInit]
    private static void MultiplyFour(WeightTile* tiles, Column* columns, short* wide, int value, int values)
    {
        sbyte* a0 = columns[0].Codes + value, a1 = columns[1].Codes + value, a2 = columns[2].Codes + value, a3 = columns[3].Codes + value;
        byte* codes = tiles->Codes;
        int end = 0;
        for (int k = 0; k < values;)
        {
            Vector512<int> i00 = default, i01 = default, i02 = default, i03 = default, i10 = default, i11 = default, i12 = default, i13 = default;
            end += TFormat.TileValuesPerScale;
            if (Wide)
            {
                MultiplyWide(ref codes, wide, k, end, ref i00, ref i01, ref i02, ref i03, ref i10, ref i11, ref i12, ref i13);
                k = end;
            }

            while (!Wide && k < end)
            {
                Vector512<short> scales0 = GroupScales(tiles, k), scales1 = GroupScales(tiles + 1, k);
                if (TFormat.TileMaxCode <= 63)
                {
                    Vector512<byte> w0 = Vector512.LoadAligned(codes), w1 = Vector512.LoadAligned(codes + sizeof(WeightTile));
                    Vector512<sbyte> a = Four(a0 + k);
                    Vector512<short> s00 = Products(w0, a), s10 = Products(w1, a);
                    a = Four(a1 + k);
                    Vector512<short> s01 = Products(w0, a), s11 = Products(w1, a);
                    a = Four(a2 + k);
                    Vector512<short> s02 = Products(w0, a), s12 = Products(w1, a);
                    a = Four(a3 + k);
                    Vector512<short> s03 = Products(w0, a), s13 = Products(w1, a);
                    codes += 64;
                    k += 4;
                    for (int step = 1; step < StepsPerSum; step++, codes += 64, k += 4)
                    {
                        w0 = Vector512.LoadAligned(codes);
                        w1 = Vector512.LoadAligned(codes + sizeof(WeightTile));
                        a = Four(a0 + k);
                        Vector512<sbyte> b = Four(a1 + k);

                        // Four multiplications, then four additions: one by one was an eighth slower on Zen 4.
                        Vector512<short> p0 = Products(w0, a), p1 = Products(w1, a), p2 = Products(w0, b), p3 = Products(w1, b);
                        s00 += p0;
                        s10 += p1;
                        s01 += p2;
                        s11 += p3;
                        a = Four(a2 + k);
                        b = Four(a3 + k);
                        p0 = Products(w0, a);
                        p1 = Products(w1, a);
                        p2 = Products(w0, b);
                        p3 = Products(w1, b);
                        s02 += p0;
                        s12 += p1;
                        s03 += p2;
                        s13 += p3;
                    }

                    i00 += Scaled(s00, scales0);
                    i01 += Scaled(s01, scales0);
                    i02 += Scaled(s02, scales0);
                    i03 += Scaled(s03, scales0);
                    i10 += Scaled(s10, scales1);
                    i11 += Scaled(s11, scales1);
                    i12 += Scaled(s12, scales1);
                    i13 += Scaled(s13, scales1);
                }
                else
                {
                    MultiplyBytes(codes, a0, a1, a2, a3, k, scales0, ref i00, ref i01, ref i02, ref i03);
                    MultiplyBytes(codes + sizeof(WeightTile), a0, a1, a2, a3, k, scales1, ref i10, ref i11, ref i12, ref i13);
                    codes += 64 * StepsPerSum;
                    k += 4 * StepsPerSum;
                }
            }

            int first = end - TFormat.TileValuesPerScale;
            AddScaled(tiles, columns + 0, 0, i00, value, first);
            AddScaled(tiles, columns + 1, 0, i01, value, first);
            AddScaled(tiles, columns + 2, 0, i02, value, first);
            AddScaled(tiles, columns + 3, 0, i03, value, first);
            AddScaled(tiles, columns + 0, 1, i10, value, first);
            AddScaled(tiles, columns + 1, 1, i11, value, first);
            AddScaled(tiles, columns + 2, 1, i12, value, first);
            AddScaled(tiles, columns + 3, 1, i13, value, first);
        }
    }

    /// <summary>Codes of 8 bits for one tile, with the instruction that sums four products in 32 bits (256-bit vectors only).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyBytes(
        byte* codes, sbyte* a0, sbyte* a1, sbyte* a2, sbyte* a3, int k, Vector512<short> scales, ref Vector512<int> i0, ref Vector512<int> i1, ref Vector512<int> i2, ref Vector512<int> i3)
    {
        Vector256<int> l0 = default, l1 = default, l2 = default, l3 = default, u0 = default, u1 = default, u2 = default, u3 = default;
        for (int end = k + (4 * StepsPerSum); k < end; k += 4, codes += 64)
        {
            Vector256<byte> lower = Vector256.LoadAligned(codes), upper = Vector256.LoadAligned(codes + 32);
            Vector256<sbyte> a = Vector256.Create(*(int*)(a0 + k)).AsSByte();
            l0 = AvxVnni.MultiplyWideningAndAdd(l0, lower, a);
            u0 = AvxVnni.MultiplyWideningAndAdd(u0, upper, a);
            a = Vector256.Create(*(int*)(a1 + k)).AsSByte();
            l1 = AvxVnni.MultiplyWideningAndAdd(l1, lower, a);
            u1 = AvxVnni.MultiplyWideningAndAdd(u1, upper, a);
            a = Vector256.Create(*(int*)(a2 + k)).AsSByte();
            l2 = AvxVnni.MultiplyWideningAndAdd(l2, lower, a);
            u2 = AvxVnni.MultiplyWideningAndAdd(u2, upper, a);
            a = Vector256.Create(*(int*)(a3 + k)).AsSByte();
            l3 = AvxVnni.MultiplyWideningAndAdd(l3, lower, a);
            u3 = AvxVnni.MultiplyWideningAndAdd(u3, upper, a);
        }

        i0 += Scaled(l0, u0, scales);
        i1 += Scaled(l1, u1, scales);
        i2 += Scaled(l2, u2, scales);
        i3 += Scaled(l3, u3, scales);
    }

    /// <summary>Sums of 16 rows in 32 bits, times their integer scales (each twice in 16 bits).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Scaled(Vector256<int> lower, Vector256<int> upper, Vector512<short> scales)
    {
        Vector512<int> sums = lower.ToVector512Unsafe().WithUpper(upper);
        return TFormat.TileValuesPerGroup == 0 ? sums : sums * Avx512F.ShiftRightArithmetic(scales.AsInt32(), 16);
    }

    /// <summary>Codes in 16 bits, two values at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyWide(
        ref byte* codes, short* a, int k, int end, ref Vector512<int> i00, ref Vector512<int> i01, ref Vector512<int> i02, ref Vector512<int> i03, ref Vector512<int> i10, ref Vector512<int> i11, ref Vector512<int> i12, ref Vector512<int> i13)
    {
        for (; k < end; k += 2, codes += 64)
        {
            Vector512<short> w0 = Vector512.LoadAligned((short*)codes), w1 = Vector512.LoadAligned((short*)(codes + sizeof(WeightTile)));
            Vector512<short> a0 = Pair(a + k), a1 = Pair(a + WeightTile.Values + k);
            Vector512<int> p0 = Scaled(w0, a0), p1 = Scaled(w1, a0), p2 = Scaled(w0, a1), p3 = Scaled(w1, a1);
            i00 += p0;
            i10 += p1;
            i01 += p2;
            i11 += p3;
            a0 = Pair(a + (2 * WeightTile.Values) + k);
            a1 = Pair(a + (3 * WeightTile.Values) + k);
            p0 = Scaled(w0, a0);
            p1 = Scaled(w1, a0);
            p2 = Scaled(w0, a1);
            p3 = Scaled(w1, a1);
            i02 += p0;
            i12 += p1;
            i03 += p2;
            i13 += p3;
        }
    }

    /// <summary>y += scale * (sum - minima), for one tile and activation and the values under one float scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddScaled(WeightTile* tiles, Column* column, int t, Vector512<int> sum, int value, int first)
    {
        WeightTile* tile = tiles + t;
        if (TFormat.TileMinima == TileMinima.SameScale && !Wide)
        {
            sum -= Minima(tile, column, value, first);
        }

        AddTo(column, t, Vector512.Load(tile->Scale + (first / TFormat.TileValuesPerScale * WeightTile.Rows)), column->Scales[(value + first) / TFormat.TileValuesPerScale], sum);
    }

    private static void SubtractMinima(WeightTile* tiles, Column* column, int t, int value, int values)
    {
        WeightTile* tile = tiles + t;
        for (int first = 0; first < values; first += TFormat.TileValuesPerScale)
        {
            Vector512<float> scale = Vector512.Load(tile->MinimumScale + (first / TFormat.TileValuesPerScale * WeightTile.Rows));
            AddTo(column, t, scale, -column->Scales[(value + first) / TFormat.TileValuesPerScale], Minima(tile, column, value, first));
        }
    }

    /// <summary>The minima times the sums of the activations, over the values under one float scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Minima(WeightTile* tile, Column* column, int value, int first)
    {
        short* sums = column->Sums + ((value + first) / 16);
        short* minima = tile->Minima + (first / 32 * 2 * WeightTile.Rows);
        Vector512<int> total = Scaled(Vector512.Load(minima), Pair(sums));
        for (int pair = 1; pair < TFormat.TileValuesPerScale / 32; pair++)
        {
            total += Scaled(Vector512.Load(minima + (pair * 2 * WeightTile.Rows)), Pair(sums + (2 * pair)));
        }

        return total;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo(Column* column, int t, Vector512<float> scale, float activationScale, Vector512<int> sum)
    {
        float* results = column->Results + (t * WeightTile.Rows);
        Vector512<float> y = Vector512.Load(results);
        Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(sum) * scale, Vector512.Create(activationScale), y).Store(results);
    }

    /// <summary>Four values of an activation, for all 16 rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<sbyte> Four(sbyte* activations) => Vector512.Create(*(int*)activations).AsSByte();

    /// <summary>Sums of two neighbouring products of 16 rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Products(Vector512<byte> codes, Vector512<sbyte> activations) => Avx512BW.MultiplyAddAdjacent(codes, activations);

    /// <summary>The integer scales of the group that begins with value <paramref name="k"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> GroupScales(WeightTile* tile, int k) =>
        TFormat.TileValuesPerGroup != 0 ? Vector512.LoadAligned(tile->Scales + ((uint)k / 16 * 2 * WeightTile.Rows)) : Vector512<short>.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Scaled(Vector512<short> sums, Vector512<short> scales) => Avx512BW.MultiplyAddAdjacent(sums, scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Pair(short* sums) => Vector512.Create(*(int*)sums).AsInt16();
}
