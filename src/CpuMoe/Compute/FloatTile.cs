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

/// <summary>The innermost loops of products of float matrices, for registers of any width.</summary>
internal static unsafe class FloatTile
{
    /// <summary>
    /// Rows of a product. With 2 registers in each, 12 sums and 3 operands fit the 16 registers of AVX2, and 12 sums hide
    /// the latency of an addition on processors that start two per cycle.
    /// </summary>
    public const int Rows = 6;

    /// <summary>Rows that are turned to columns at a time.</summary>
    public const int Strip = 16;

    /// <summary>c += a * b.</summary>
    /// <typeparam name="TLanes">The registers.</typeparam>
    /// <param name="a">[<see cref="Rows"/>] rows of [depth].</param>
    /// <param name="b">[depth][2 registers].</param>
    /// <param name="bStride">Floats from row to row of b.</param>
    /// <param name="c">[Rows][2 registers].</param>
    /// <param name="cStride">Floats from row to row of c.</param>
    /// <param name="depth">The length of the sums, 1 or more.</param>
    /// <param name="ahead">Memory that is needed next. It is asked for bit by bit on the way, as memory answers.</param>
    /// <param name="aheadStep">Bytes from request to request, one for each step of the sums.</param>
    [SkipLocalsInit]
    public static void AddProduct<TLanes>(float** a, float* b, nint bStride, float* c, nint cStride, nint depth, byte* ahead, nint aheadStep)
        where TLanes : struct, IFloatLanes<TLanes>
    {
        float* a0 = a[0];
        float* a1 = a[1];
        float* a2 = a[2];
        float* a3 = a[3];
        float* a4 = a[4];
        float* a5 = a[5];
        TLanes c00 = default, c10 = default, c20 = default, c30 = default, c40 = default, c50 = default;
        TLanes c01 = default, c11 = default, c21 = default, c31 = default, c41 = default, c51 = default;
        for (nint k = 0; k < depth; k++, b += bStride)
        {
            TLanes.Prefetch(ahead);
            ahead += aheadStep;
            TLanes b0 = TLanes.Load(b);
            TLanes b1 = TLanes.Load(b + TLanes.Count);
            TLanes x = TLanes.Broadcast(a0[k]);
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
    private static void AddRow<TLanes>(float* c, TLanes low, TLanes high)
        where TLanes : struct, IFloatLanes<TLanes>
    {
        TLanes.Store(TLanes.Load(c) + low, c);
        TLanes.Store(TLanes.Load(c + TLanes.Count) + high, c + TLanes.Count);
    }

    /// <summary>Turns rows into columns.</summary>
    /// <typeparam name="TLanes">The registers.</typeparam>
    /// <param name="source">[<see cref="Strip"/>][<paramref name="length"/>], read in fours.</param>
    /// <param name="length">Values per row.</param>
    /// <param name="destination">[length rounded up to fours][Strip].</param>
    [SkipLocalsInit]
    public static void Transpose<TLanes>(FloatRows source, int length, FloatRows destination)
        where TLanes : struct, IFloatLanes<TLanes>
    {
        for (int row = 0; row < Strip; row += TLanes.Count)
        {
            for (int i = 0; i < length; i += 4)
            {
                TLanes.TransposeColumns(source.Row(row) + i, source.Stride, destination.Row(i) + row, destination.Stride);
            }
        }
    }
}
