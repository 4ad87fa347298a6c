using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using CpuMoe.Blocks;

namespace CpuMoe.Compute;

/// <summary>
/// Products of 32 weight rows with many activations: the weights are unpacked once, tile by tile, and every tile meets
/// all activations while it is in the first-level cache.
/// </summary>
/// <remarks>
/// Four activations at a time: a vector of codes holds 4 values of each of 16 rows (with 256 bits of 8) and is multiplied
/// with the same four values of an activation. Products of unsigned codes and signed activations are summed in 16 bits for
/// as many steps as cannot overflow (15 * 127 * 2 * 8 = 30480), then brought to 32 bits by the multiplication with the
/// integer scales; or four at a time in 32 bits where there is an instruction for it.
/// </remarks>
internal static unsafe partial class TileProduct<TFormat>
    where TFormat : struct, IBlockFormat<TFormat>
{
    /// <summary>Rows of a product: two tiles, so that every activation that is loaded meets two vectors of weights.</summary>
    public const int Rows = 2 * WeightTile.Rows;

    /// <summary>Activations that share one pass over the tiles.</summary>
    private const int Width = 4;

    // Codes of 8 bits are multiplied in 16 bits where no instruction sums four products in 32.
    private static bool Wide
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TFormat.TileMaxCode > 63 && !AvxVnni.IsSupported;
    }

    // Steps (of 4 values) whose products of the largest code fit 16 bits together, within a group.
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
        Avx2.IsSupported && TFormat.TileMaxCode != 0 && rows == Rows && count > 0;

    /// <summary>As <see cref="MatMulKernel.Multiply"/>, for <see cref="Rows"/> rows.</summary>
    [SkipLocalsInit]
    public static void Multiply(in WeightMatrix weights, int firstRow, ActivationRows activations, int* index, int count, float* y, long stride)
    {
        byte* memory = stackalloc byte[(2 * sizeof(WeightTile)) + 64];
        var tiles = (WeightTile*)(((nint)memory + 63) & ~63);
        Column* columns = stackalloc Column[count + Width - 1];
        float* spare = stackalloc float[Rows];
        short* wide = stackalloc short[Width * WeightTile.Values];
        for (int c = 0; c < count + Width - 1; c++)
        {
            // Behind the last activation it is repeated, its results going nowhere.
            int source = Math.Min(c, count - 1);
            float* results = c < count ? y + (c * stride) : spare;
            columns[c] = new Column(activations[index == null ? source : index[source]], results);
            new Span<float>(results, Rows).Clear();
        }

        byte* row = weights.Row(firstRow);
        for (int value = 0; value < weights.Columns; value += WeightTile.Values)
        {
            int values = Math.Min(WeightTile.Values, weights.Columns - value);
            TFormat.LoadTile(row, weights.RowBytes, values, tiles, Wide);
            TFormat.LoadTile(row + (WeightTile.Rows * weights.RowBytes), weights.RowBytes, values, tiles + 1, Wide);
            int bytes = WeightTile.Values / TFormat.ValuesPerBlock * TFormat.BytesPerBlock;
            row += bytes;
            int fetched = value + WeightTile.Values < weights.Columns ? 0 : Rows;
            for (int c = 0; c < count; c += Width)
            {
                // The next tile lies in as many places as there are rows: it is asked for now, a few rows at a time.
                for (int end = Math.Min(c + Width, count) * Rows / count; fetched < end; fetched++)
                {
                    WeightPrefetch.Next(row + (fetched * weights.RowBytes), bytes);
                }

                for (int i = 0; Wide && i < Width; i++)
                {
                    Widen(columns[c + i].Codes + value, values, wide + (i * WeightTile.Values));
                }

                if (Avx512BW.IsSupported)
                {
                    MultiplyFour(tiles, columns + c, wide, value, values);
                }
                else
                {
                    MultiplyFour(tiles, 0, columns + c, wide, value, values);
                    MultiplyFour(tiles + 1, WeightTile.Rows, columns + c, wide, value, values);
                }
            }

            for (int c = 0; TFormat.TileMinima == TileMinima.OwnScale && c < count; c += 2)
            {
                SubtractMinima(tiles, columns + c, value, values);
            }
        }
    }

    /// <summary>Takes the minima with scales of their own off the results of two activations.</summary>
    private static void SubtractMinima(WeightTile* tiles, Column* columns, int value, int values)
    {
        if (Avx512BW.IsSupported)
        {
            SubtractMinima(tiles, columns, 0, value, values);
            SubtractMinima(tiles, columns, 1, value, values);
            SubtractMinima(tiles, columns + 1, 0, value, values);
            SubtractMinima(tiles, columns + 1, 1, value, values);
        }
        else
        {
            SubtractMinima(tiles, 0, columns, value, values);
            SubtractMinima(tiles + 1, WeightTile.Rows, columns, value, values);
        }
    }

    /// <summary>The codes of an activation in 16 bits.</summary>
    private static void Widen(sbyte* codes, int values, short* target)
    {
        for (int i = 0; i < values; i += 32)
        {
            if (Avx512BW.IsSupported)
            {
                Avx512BW.ConvertToVector512Int16(Vector256.Load(codes + i)).Store(target + i);
            }
            else
            {
                Avx2.ConvertToVector256Int16(codes + i).Store(target + i);
                Avx2.ConvertToVector256Int16(codes + i + 16).Store(target + i + 16);
            }
        }
    }

    /// <summary>One activation, and where its results go.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Column(ActivationRow row, float* results)
    {
        public readonly sbyte* Codes = row.Codes;
        public readonly float* Scales = row.Scales;
        public readonly short* Sums = row.Sums;
        public readonly float* Results = results;
    }
}
