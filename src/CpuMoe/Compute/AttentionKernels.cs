using System.Runtime.CompilerServices;

namespace CpuMoe.Compute;

/// <summary>The loops of attention, for registers of one width.</summary>
/// <typeparam name="TLanes">The registers.</typeparam>
internal static unsafe class AttentionKernels<TLanes>
    where TLanes : struct, IFloatLanes<TLanes>
{
    /// <summary>c += a * b.</summary>
    /// <param name="a">[rows][depth].</param>
    /// <param name="b">[depth][columns].</param>
    /// <param name="c">[rows][columns].</param>
    /// <param name="rows">A multiple of <see cref="FloatTile.Rows"/>.</param>
    /// <param name="columns">Rounded up to whole pairs of registers, which are read and written.</param>
    /// <param name="depth">The length of the sums, 1 or more.</param>
    /// <param name="ahead">Memory that is needed next. It is asked for bit by bit on the way, as memory answers.</param>
    /// <param name="aheadBytes">The length of <paramref name="ahead"/>, or 0.</param>
    [SkipLocalsInit]
    public static void AddProduct(FloatRows a, FloatRows b, FloatRows c, int rows, int columns, int depth, byte* ahead, int aheadBytes)
    {
        int width = 2 * TLanes.Count;
        int share = aheadBytes / (rows / FloatTile.Rows * ((columns + width - 1) / width));
        float** tile = stackalloc float*[FloatTile.Rows];
        for (int column = 0; column < columns; column += width)
        {
            for (int row = 0; row < rows; row += FloatTile.Rows, ahead += share)
            {
                for (int i = 0; i < FloatTile.Rows; i++)
                {
                    tile[i] = a.Row(row + i);
                }

                FloatTile.AddProduct<TLanes>(tile, b.Row(0) + column, b.Stride, c.Row(row) + column, c.Stride, depth, ahead, share / depth);
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
