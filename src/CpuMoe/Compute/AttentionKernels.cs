using System.Runtime.CompilerServices;

namespace CpuMoe.Compute;

/// <summary>Rows of floats at a fixed distance.</summary>
/// <param name="first">The first row.</param>
/// <param name="stride">Floats from row to row.</param>
internal readonly unsafe struct FloatRows(float* first, int stride)
{
    public int Stride { get; } = stride;

    public float* Row(int row) => first + (long)row * Stride;
}

/// <summary>The loops of attention, for registers of one width.</summary>
/// <typeparam name="TLanes">The registers.</typeparam>
internal static unsafe class AttentionKernels<TLanes>
    where TLanes : struct, IFloatLanes<TLanes>
{
    /// <summary>c += a * b.</summary>
    /// <param name="a">[rows][depth].</param>
    /// <param name="b">[depth][columns].</param>
    /// <param name="c">[rows][columns].</param>
    /// <param name="rows">A multiple of <see cref="AttentionTile.RowTile"/>.</param>
    /// <param name="columns">Rounded up to whole pairs of registers, which are read and written.</param>
    /// <param name="depth">The length of the sums, 1 or more.</param>
    /// <param name="ahead">Memory that is needed next. It is asked for bit by bit on the way, as memory answers.</param>
    /// <param name="aheadBytes">The length of <paramref name="ahead"/>, or 0.</param>
    [SkipLocalsInit]
    public static void AddProduct(FloatRows a, FloatRows b, FloatRows c, int rows, int columns, int depth, byte* ahead, int aheadBytes)
    {
        int width = 2 * TLanes.Count;
        int share = aheadBytes / (rows / AttentionTile.RowTile * ((columns + width - 1) / width));
        for (int column = 0; column < columns; column += width)
        {
            for (int row = 0; row < rows; row += AttentionTile.RowTile, ahead += share)
            {
                AddTile(a.Row(row), a.Stride, b.Row(0) + column, b.Stride, c.Row(row) + column, c.Stride, depth, ahead, share / depth);
            }
        }
    }

    // 6 rows and 2 registers: 12 sums and 3 operands fit the 16 registers of AVX2, and 12 sums hide the latency of an
    // addition on processors that start two per cycle.
    [SkipLocalsInit]
    private static void AddTile(float* a, int aStride, float* b, nint bStride, float* c, int cStride, nint depth, byte* ahead, nint aheadStep)
    {
        float* a1 = a + aStride;
        float* a2 = a1 + aStride;
        float* a3 = a2 + aStride;
        float* a4 = a3 + aStride;
        float* a5 = a4 + aStride;
        TLanes c00 = default, c10 = default, c20 = default, c30 = default, c40 = default, c50 = default;
        TLanes c01 = default, c11 = default, c21 = default, c31 = default, c41 = default, c51 = default;
        for (nint k = 0; k < depth; k++, b += bStride)
        {
            TLanes.Prefetch(ahead);
            ahead += aheadStep;
            TLanes b0 = TLanes.Load(b);
            TLanes b1 = TLanes.Load(b + TLanes.Count);
            TLanes x = TLanes.Broadcast(a[k]);
            c00 = TLanes.MultiplyAdd(x, b0, c00);
            c01 = TLanes.MultiplyAdd(x, b1, c01);
            x = TLanes.Broadcast(a1[k]);
            c10 = TLanes.MultiplyAdd(x, b0, c10);
            c11 = TLanes.MultiplyAdd(x, b1, c11);
            x = TLanes.Broadcast(a2[k]);
            c20 = TLanes.MultiplyAdd(x, b0, c20);
            c21 = TLanes.MultiplyAdd(x, b1, c21);
            x = TLanes.Broadcast(a3[k]);
            c30 = TLanes.MultiplyAdd(x, b0, c30);
            c31 = TLanes.MultiplyAdd(x, b1, c31);
            x = TLanes.Broadcast(a4[k]);
            c40 = TLanes.MultiplyAdd(x, b0, c40);
            c41 = TLanes.MultiplyAdd(x, b1, c41);
            x = TLanes.Broadcast(a5[k]);
            c50 = TLanes.MultiplyAdd(x, b0, c50);
            c51 = TLanes.MultiplyAdd(x, b1, c51);
        }

        AddRow(c, c00, c01);
        AddRow(c + cStride, c10, c11);
        AddRow(c + (2 * cStride), c20, c21);
        AddRow(c + (3 * cStride), c30, c31);
        AddRow(c + (4 * cStride), c40, c41);
        AddRow(c + (5 * cStride), c50, c51);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddRow(float* c, TLanes low, TLanes high)
    {
        TLanes.Store(TLanes.Load(c) + low, c);
        TLanes.Store(TLanes.Load(c + TLanes.Count) + high, c + TLanes.Count);
    }

    /// <summary>Turns rows into columns.</summary>
    /// <param name="source">[<see cref="AttentionTile.KeyStrip"/>][<paramref name="length"/>], read in fours.</param>
    /// <param name="length">Values per row.</param>
    /// <param name="destination">[length rounded up to fours][KeyStrip].</param>
    [SkipLocalsInit]
    public static void Transpose(FloatRows source, int length, FloatRows destination)
    {
        for (int row = 0; row < AttentionTile.KeyStrip; row += TLanes.Count)
        {
            for (int i = 0; i < length; i += 4)
            {
                TLanes.TransposeColumns(source.Row(row) + i, source.Stride, destination.Row(i) + row, destination.Stride);
            }
        }
    }

    /// <summary>Replaces the scores of a block by 2^(score - maximum) and keeps the running maximum, sum and output.</summary>
    /// <param name="scores">The <see cref="AttentionTile.Block"/> scores of a query.</param>
    /// <param name="maximum">The running maximum.</param>
    /// <param name="sum">The running sum of the powers.</param>
    /// <param name="output">The running output, rescaled when the maximum grows.</param>
    /// <param name="length">The length of the output; whole registers are rescaled.</param>
    [SkipLocalsInit]
    public static void Soften(float* scores, ref float maximum, ref float sum, float* output, int length)
    {
        TLanes largest = TLanes.Load(scores);
        for (int i = TLanes.Count; i < AttentionTile.Block; i += TLanes.Count)
        {
            largest = TLanes.Max(largest, TLanes.Load(scores + i));
        }

        float next = float.MaxNative(maximum, TLanes.Largest(largest));
        if (next != maximum)
        {
            TLanes correction = Exp2(TLanes.Broadcast(maximum - next));
            maximum = next;
            sum *= TLanes.Largest(correction);
            for (int i = 0; i < length; i += TLanes.Count)
            {
                TLanes.Store(TLanes.Load(output + i) * correction, output + i);
            }
        }

        TLanes sums = default;
        for (int i = 0; i < AttentionTile.Block; i += TLanes.Count)
        {
            TLanes power = Exp2(TLanes.Load(scores + i) - TLanes.Broadcast(next));
            TLanes.Store(power, scores + i);
            sums += power;
        }

        sum += TLanes.Sum(sums);
    }

    /// <summary>2^x for x of 0 or less, to one unit in the last place; 0 below -126.5.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Exp2(TLanes x)
    {
        // Adding 1.5 * 2^23 leaves round(x) in the low bits of the sum; with 127 more they are the exponent of a float.
        TLanes round = TLanes.Broadcast(12582912f + 127);

        // In this order a NaN stays one.
        x = TLanes.Max(TLanes.Broadcast(-127), x);
        TLanes bits = x + round;
        TLanes f = x - (bits - round);

        // (2^f - 1) / f interpolated at the 6 Chebyshev points of [-0.5, 0.5]; relative error 5e-9 before rounding.
        TLanes p = TLanes.Broadcast(0.000154531634f);
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(0.00133908633f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(0.00961808302f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(0.0555035695f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(0.240226507f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(0.693147182f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(1f));
        return p * TLanes.ShiftLeft(bits, 23);
    }
}
