using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using CpuMoe.Blocks;

namespace CpuMoe.Compute;

/// <summary>
/// Products of many activations with weights that are multiplied as floats: a tile of the weights is converted and turned
/// to columns once, and meets all activations while it is in the first-level cache.
/// </summary>
/// <remarks>
/// The lanes of a register are weight rows, so nothing is summed across lanes, and each result is the same whatever rows
/// and activations are computed with it.
/// </remarks>
internal static unsafe class FloatTileProduct<TFormat>
    where TFormat : struct, IBlockFormat<TFormat>
{
    // Weight rows of a tile: a pair of the widest registers.
    private const int Rows = 2 * FloatTile.Strip;

    // Values of a tile, which has 16 KB: half of the smallest first-level cache of today.
    private const int Depth = 128;

    private const int CacheLine = 64;

    /// <summary>Whether tiles serve a product of so many activations; from about a dozen on they are the faster way.</summary>
    public static bool Serves(int count) => FloatLanes256.IsSupported && TFormat.IsFloat && count > 0;

    /// <inheritdoc cref="MatMulKernel.Multiply"/>
    public static void Multiply(in WeightMatrix weights, int firstRow, int endRow, ActivationRows activations, int* index, int count, float* y, long stride)
    {
        for (int row = firstRow; row < endRow; row += Rows, y += Rows)
        {
            WeightMatrix rows = weights.Slice(row, Math.Min(Rows, endRow - row));
            if (FloatLanes512.IsSupported)
            {
                Multiply<FloatLanes512>(rows, activations, index, count, y, stride);
            }
            else
            {
                Multiply<FloatLanes256>(rows, activations, index, count, y, stride);
            }
        }
    }

    [SkipLocalsInit]
    private static void Multiply<TLanes>(in WeightMatrix weights, ActivationRows activations, int* index, int count, float* y, long stride)
        where TLanes : struct, IFloatLanes<TLanes>
    {
        byte* memory = stackalloc byte[(Depth * Rows * sizeof(float)) + CacheLine];
        float* tile = (float*)(((nint)memory + (CacheLine - 1)) & -CacheLine);
        int padded = (count + FloatTile.Rows - 1) / FloatTile.Rows * FloatTile.Rows;
        float** columns = stackalloc float*[padded + FloatTile.Rows];
        for (int c = 0; c < padded + FloatTile.Rows; c++)
        {
            // Behind the last activation it is repeated, its results going nowhere.
            int source = Math.Min(c, count - 1);
            columns[c] = activations[index == null ? source : index[source]].Values;
            new Span<float>(y + (source * stride), weights.Rows).Clear();
        }

        for (int value = 0; value < weights.Columns; value += Depth)
        {
            int depth = Math.Min(Depth, weights.Columns - value);
            Load<TLanes>(weights, value, depth, tile);
            for (int c = 0; c < padded; c += FloatTile.Rows)
            {
                Prefetch<TLanes>(columns + c + FloatTile.Rows, depth);
                if (weights.Rows == Rows && c + FloatTile.Rows <= count)
                {
                    Add<TLanes>(columns + c, tile, depth, y + (c * stride), stride);
                }
                else
                {
                    AddPart<TLanes>(columns + c, tile, depth, y + (c * stride), stride, weights.Rows, Math.Min(FloatTile.Rows, count - c));
                }

                for (int i = c; i < c + FloatTile.Rows; i++)
                {
                    columns[i] += depth;
                }
            }
        }
    }

    /// <summary>The values [value, value + depth) of the rows, as columns: [depth][<see cref="Rows"/>].</summary>
    [SkipLocalsInit]
    private static void Load<TLanes>(in WeightMatrix weights, int value, int depth, float* tile)
        where TLanes : struct, IFloatLanes<TLanes>
    {
        float* strip = stackalloc float[FloatTile.Strip * Depth];
        int bytes = depth / TFormat.ValuesPerBlock * TFormat.BytesPerBlock;
        for (int first = 0; first < Rows; first += FloatTile.Strip)
        {
            for (int r = 0; r < FloatTile.Strip; r++)
            {
                // Behind the last row it is repeated.
                byte* source = weights.Row(Math.Min(first + r, weights.Rows - 1)) + (value / TFormat.ValuesPerBlock * TFormat.BytesPerBlock);
                for (int i = 0; i < bytes; i += CacheLine)
                {
                    TLanes.Prefetch(source + bytes + i);
                }

                TFormat.LoadValues(source, depth / TFormat.ValuesPerBlock, strip + (r * Depth));
            }

            FloatTile.Transpose<TLanes>(new FloatRows(strip, Depth), depth, new FloatRows(tile + first, Rows));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch<TLanes>(float** columns, int depth)
        where TLanes : struct, IFloatLanes<TLanes>
    {
        for (int i = 0; i < FloatTile.Rows; i++)
        {
            for (int k = 0; k < depth; k += CacheLine / sizeof(float))
            {
                TLanes.Prefetch((byte*)(columns[i] + k));
            }
        }
    }

    /// <summary>Adds the products of six activations and a tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<TLanes>(float** columns, float* tile, int depth, float* y, long stride)
        where TLanes : struct, IFloatLanes<TLanes>
    {
        for (int row = 0; row < Rows; row += 2 * TLanes.Count)
        {
            FloatTile.AddProduct<TLanes>(columns, tile + row, Rows, y + row, (nint)stride, depth, (byte*)tile, 0);
        }
    }

    /// <summary>As <see cref="Add"/>, for <paramref name="count"/> activations and <paramref name="rows"/> weight rows.</summary>
    [SkipLocalsInit]
    private static void AddPart<TLanes>(float** columns, float* tile, int depth, float* y, long stride, int rows, int count)
        where TLanes : struct, IFloatLanes<TLanes>
    {
        float* sums = stackalloc float[FloatTile.Rows * Rows];
        new Span<float>(sums, FloatTile.Rows * Rows).Clear();
        Add<TLanes>(columns, tile, depth, sums, Rows);
        for (int c = 0; c < count; c++)
        {
            var results = new Span<float>(y + (c * stride), rows);
            TensorPrimitives.Add(results, new ReadOnlySpan<float>(sums + (c * Rows), rows), results);
        }
    }
}
