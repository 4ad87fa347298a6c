using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using CpuMoe.Blocks;

namespace CpuMoe.Compute;

/// <summary>
/// Products of 16 weight rows with many activations: the weights are unpacked once, tile by tile, and every tile meets
/// all activations while it is in the first-level cache.
/// </summary>
/// <remarks>
/// Eight activations at a time: one vector of codes (16 rows, 4 values each) is multiplied with four values of each of
/// them. Products of unsigned codes and signed activations are summed in 16 bits for as many steps as cannot overflow
/// (15 * 127 * 2 * 8 = 30480), then brought to 32 bits by the multiplication with the integer scales.
/// </remarks>
internal static unsafe class TileProduct<TFormat>
    where TFormat : struct, IBlockFormat<TFormat>
{
    /// <summary>Activations that share one pass over a tile.</summary>
    private const int Width = 8;

    /// <summary>Fewer activations than this do not repay the unpacking.</summary>
    private const int MinCount = 4;

    // Steps (of 4 values) whose products of the largest code fit 16 bits together, within a group. Codes of 8 bits are
    // split in halves of 4.
    private static int StepsPerSum
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            int steps = TFormat.TileMaxCode switch { <= 15 => 8, <= 31 => 4, <= 63 => 2, _ => 8 };
            return TFormat.TileValuesPerGroup == 16 && steps > 4 ? 4 : steps;
        }
    }

    /// <summary>Whether tiles serve a product of these sizes.</summary>
    public static bool Serves(int rows, int count) =>
        Avx512BW.IsSupported && TFormat.TileMaxCode != 0 && rows == WeightTile.Rows && count >= MinCount;

    /// <summary>As <see cref="MatMulKernel.Multiply"/>, for 16 rows.</summary>
    [SkipLocalsInit]
    public static void Multiply(in WeightMatrix weights, int firstRow, ActivationRows activations, int* index, int count, float* y, long stride)
    {
        byte* memory = stackalloc byte[sizeof(WeightTile) + 64];
        var tile = (WeightTile*)(((nint)memory + 63) & ~63);
        Column* columns = stackalloc Column[count + Width - 1];
        float* spare = stackalloc float[WeightTile.Rows];
        for (int c = 0; c < count + Width - 1; c++)
        {
            // Behind the last activation it is repeated, its results going nowhere.
            int source = Math.Min(c, count - 1);
            float* results = c < count ? y + (c * stride) : spare;
            columns[c] = new Column(activations[index == null ? source : index[source]], results);
            new Span<float>(results, WeightTile.Rows).Clear();
        }

        byte* row = weights.Row(firstRow);
        for (int value = 0; value < weights.Columns; value += WeightTile.Values)
        {
            int values = Math.Min(WeightTile.Values, weights.Columns - value);
            TFormat.LoadTile(row, weights.RowBytes, values, tile);
            row += (long)WeightTile.Values / TFormat.ValuesPerBlock * TFormat.BytesPerBlock;
            for (int c = 0; c < count; c += Width)
            {
                Columns8(tile, columns + c, value, values);
            }

            for (int c = 0; TFormat.TileMinima == TileMinima.OwnScale && c < count; c++)
            {
                SubtractMinima(tile, columns + c, value, values);
            }
        }
    }

    [SkipLocalsInit]
    private static void Columns8(WeightTile* tile, Column* columns, int value, int values)
    {
        sbyte* a0 = columns[0].Codes + value, a1 = columns[1].Codes + value, a2 = columns[2].Codes + value, a3 = columns[3].Codes + value;
        sbyte* a4 = columns[4].Codes + value, a5 = columns[5].Codes + value, a6 = columns[6].Codes + value, a7 = columns[7].Codes + value;
        byte* codes = tile->Codes;
        int end = 0;
        for (int k = 0; k < values;)
        {
            Vector512<int> i0 = default, i1 = default, i2 = default, i3 = default, i4 = default, i5 = default, i6 = default, i7 = default;
            end += TFormat.TileValuesPerScale;
            while (k < end)
            {
                Vector512<short> scales = TFormat.TileValuesPerGroup != 0 ? Vector512.Load(tile->Scales + (k / 16 * 2 * WeightTile.Rows)) : Vector512<short>.One;
                Vector512<byte> w = Vector512.LoadAligned(codes);
                if (TFormat.TileMaxCode > 63)
                {
                    Vector512<byte> low = w & Vector512.Create((byte)15), high = High(w);
                    Vector512<short> l0 = Products(low, a0 + k), l1 = Products(low, a1 + k), l2 = Products(low, a2 + k), l3 = Products(low, a3 + k);
                    Vector512<short> l4 = Products(low, a4 + k), l5 = Products(low, a5 + k), l6 = Products(low, a6 + k), l7 = Products(low, a7 + k);
                    Vector512<short> h0 = Products(high, a0 + k), h1 = Products(high, a1 + k), h2 = Products(high, a2 + k), h3 = Products(high, a3 + k);
                    Vector512<short> h4 = Products(high, a4 + k), h5 = Products(high, a5 + k), h6 = Products(high, a6 + k), h7 = Products(high, a7 + k);
                    for (int step = 1; step < StepsPerSum; step++)
                    {
                        codes += 64;
                        k += 4;
                        w = Vector512.LoadAligned(codes);
                        low = w & Vector512.Create((byte)15);
                        high = High(w);
                        l0 += Products(low, a0 + k);
                        h0 += Products(high, a0 + k);
                        l1 += Products(low, a1 + k);
                        h1 += Products(high, a1 + k);
                        l2 += Products(low, a2 + k);
                        h2 += Products(high, a2 + k);
                        l3 += Products(low, a3 + k);
                        h3 += Products(high, a3 + k);
                        l4 += Products(low, a4 + k);
                        h4 += Products(high, a4 + k);
                        l5 += Products(low, a5 + k);
                        h5 += Products(high, a5 + k);
                        l6 += Products(low, a6 + k);
                        h6 += Products(high, a6 + k);
                        l7 += Products(low, a7 + k);
                        h7 += Products(high, a7 + k);
                    }

                    Vector512<short> scales16 = scales << 4;
                    i0 += Scaled(l0, scales) + Scaled(h0, scales16);
                    i1 += Scaled(l1, scales) + Scaled(h1, scales16);
                    i2 += Scaled(l2, scales) + Scaled(h2, scales16);
                    i3 += Scaled(l3, scales) + Scaled(h3, scales16);
                    i4 += Scaled(l4, scales) + Scaled(h4, scales16);
                    i5 += Scaled(l5, scales) + Scaled(h5, scales16);
                    i6 += Scaled(l6, scales) + Scaled(h6, scales16);
                    i7 += Scaled(l7, scales) + Scaled(h7, scales16);
                }
                else
                {
                    Vector512<short> h0 = Products(w, a0 + k), h1 = Products(w, a1 + k), h2 = Products(w, a2 + k), h3 = Products(w, a3 + k);
                    Vector512<short> h4 = Products(w, a4 + k), h5 = Products(w, a5 + k), h6 = Products(w, a6 + k), h7 = Products(w, a7 + k);
                    for (int step = 1; step < StepsPerSum; step++)
                    {
                        codes += 64;
                        k += 4;
                        w = Vector512.LoadAligned(codes);
                        h0 += Products(w, a0 + k);
                        h1 += Products(w, a1 + k);
                        h2 += Products(w, a2 + k);
                        h3 += Products(w, a3 + k);
                        h4 += Products(w, a4 + k);
                        h5 += Products(w, a5 + k);
                        h6 += Products(w, a6 + k);
                        h7 += Products(w, a7 + k);
                    }

                    i0 += Scaled(h0, scales);
                    i1 += Scaled(h1, scales);
                    i2 += Scaled(h2, scales);
                    i3 += Scaled(h3, scales);
                    i4 += Scaled(h4, scales);
                    i5 += Scaled(h5, scales);
                    i6 += Scaled(h6, scales);
                    i7 += Scaled(h7, scales);
                }

                codes += 64;
                k += 4;
            }

            int first = end - TFormat.TileValuesPerScale;
            AddScaled(tile, columns + 0, i0, value, first);
            AddScaled(tile, columns + 1, i1, value, first);
            AddScaled(tile, columns + 2, i2, value, first);
            AddScaled(tile, columns + 3, i3, value, first);
            AddScaled(tile, columns + 4, i4, value, first);
            AddScaled(tile, columns + 5, i5, value, first);
            AddScaled(tile, columns + 6, i6, value, first);
            AddScaled(tile, columns + 7, i7, value, first);
        }
    }

    /// <summary>y += scale * (sum - minima), for one activation and the values under one float scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddScaled(WeightTile* tile, Column* column, Vector512<int> sum, int value, int first)
    {
        if (TFormat.TileMinima == TileMinima.SameScale)
        {
            sum -= Minima(tile, column, value, first);
        }

        AddTo(column, Vector512.Load(tile->Scale + (first / TFormat.TileValuesPerScale * WeightTile.Rows)), column->Scales[(value + first) / TFormat.TileValuesPerScale], sum);
    }

    private static void SubtractMinima(WeightTile* tile, Column* column, int value, int values)
    {
        for (int first = 0; first < values; first += TFormat.TileValuesPerScale)
        {
            Vector512<float> scale = Vector512.Load(tile->MinimumScale + (first / TFormat.TileValuesPerScale * WeightTile.Rows));
            AddTo(column, scale, -column->Scales[(value + first) / TFormat.TileValuesPerScale], Minima(tile, column, value, first));
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
    private static void AddTo(Column* column, Vector512<float> scale, float activationScale, Vector512<int> sum)
    {
        Vector512<float> y = Vector512.Load(column->Results);
        Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(sum) * scale, Vector512.Create(activationScale), y).Store(column->Results);
    }

    /// <summary>Sums of two neighbouring products of 16 rows with four activations.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Products(Vector512<byte> codes, sbyte* activations) =>
        Avx512BW.MultiplyAddAdjacent(codes, Vector512.Create(*(int*)activations).AsSByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Scaled(Vector512<short> sums, Vector512<short> scales) => Avx512BW.MultiplyAddAdjacent(sums, scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Pair(short* sums) => Vector512.Create(*(int*)sums).AsInt16();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> High(Vector512<byte> codes) => (codes.AsUInt16() >>> 4).AsByte() & Vector512.Create((byte)15);

    /// <summary>One activation, and where its 16 results go.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Column(ActivationRow row, float* results)
    {
        public readonly sbyte* Codes = row.Codes;
        public readonly float* Scales = row.Scales;
        public readonly short* Sums = row.Sums;
        public readonly float* Results = results;
    }
}
