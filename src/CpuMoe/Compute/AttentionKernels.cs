using System.Runtime.CompilerServices;

namespace CpuMoe.Compute;

/// <summary>The loops of attention, for registers of one width.</summary>
/// <typeparam name="TLanes">The registers.</typeparam>
internal static unsafe class AttentionKernels<TLanes>
    where TLanes : struct, IFloatLanes<TLanes>
{
    /// <summary>c += a * b for whole tiles of 6 rows and 2 registers: 12 sums and 3 operands fit the 16 registers of AVX2.</summary>
    /// <param name="a">[rows][depth], <paramref name="aStride"/> floats from row to row.</param>
    /// <param name="aStride">See <paramref name="a"/>.</param>
    /// <param name="b">[depth][columns], <paramref name="bStride"/> floats from row to row.</param>
    /// <param name="bStride">See <paramref name="b"/>.</param>
    /// <param name="c">[rows][columns], <paramref name="cStride"/> floats from row to row.</param>
    /// <param name="cStride">See <paramref name="c"/>.</param>
    /// <param name="rows">A multiple of <see cref="AttentionTile.RowTile"/>.</param>
    /// <param name="columns">Rounded up to whole pairs of registers.</param>
    /// <param name="depth">The length of the sums.</param>
    [SkipLocalsInit]
    public static void AddProduct(float* a, int aStride, float* b, int bStride, float* c, int cStride, int rows, int columns, int depth)
    {
        for (int column = 0; column < columns; column += 2 * TLanes.Count)
        {
            for (int row = 0; row < rows; row += AttentionTile.RowTile)
            {
                AddTile(a + (row * aStride), aStride, b + column, bStride, c + (row * cStride) + column, cStride, depth);
            }
        }
    }

    [SkipLocalsInit]
    private static void AddTile(float* a, int aStride, float* b, int bStride, float* c, int cStride, nint depth)
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

    /// <summary>Turns rows of keys into columns.</summary>
    /// <param name="keys">[AttentionTile.KeyStrip][<paramref name="length"/>].</param>
    /// <param name="length">Values per key, a multiple of 4.</param>
    /// <param name="columns">[length][...], <paramref name="stride"/> floats from row to row.</param>
    /// <param name="stride">See <paramref name="columns"/>.</param>
    [SkipLocalsInit]
    public static void Transpose(float* keys, int length, float* columns, int stride)
    {
        for (int row = 0; row < AttentionTile.KeyStrip; row += TLanes.Count)
        {
            float* source = keys + (row * length);
            float* destination = columns + row;
            for (int i = 0; i < length; i += 4, source += 4, destination += 4 * stride)
            {
                TLanes.TransposeColumns(source, length, destination, stride);
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
            float correction = float.Exp2(maximum - next);
            maximum = next;
            sum *= correction;
            for (int i = 0; i < length; i += TLanes.Count)
            {
                TLanes.Store(TLanes.Load(output + i) * TLanes.Broadcast(correction), output + i);
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
