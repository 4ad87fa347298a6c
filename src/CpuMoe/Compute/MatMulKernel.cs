using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using CpuMoe.Blocks;
using CpuMoe.Gguf;

namespace CpuMoe.Compute;

/// <summary>The numeric path of the products.</summary>
internal enum MatMulPath
{
    /// <summary>Vector kernels on the activation form that the weight format asks for.</summary>
    Fast,

    /// <summary>Weights dequantised to floats by the scalar definition, products with float activations summed in double.</summary>
    Reference,
}

/// <summary>Multiplies rows of one weight format with activations; the loop around the formats' dot products.</summary>
internal abstract unsafe class MatMulKernel
{
    /// <summary>The activation form that <see cref="Multiply"/> reads.</summary>
    public abstract ActivationFormat Activation { get; }

    /// <summary>The kernel for a GGUF type, or null when the engine cannot compute with it.</summary>
    public static MatMulKernel? For(GgmlType type, MatMulPath path) =>
        BlockFormats.TryVisit<Chooser, MatMulKernel>(type, new Chooser(path), out MatMulKernel? kernel) ? kernel : null;

    /// <summary>
    /// y[c][r - firstRow] = row r of the weights times activation c, for r in [firstRow, endRow) and c in [0, count).
    /// </summary>
    /// <param name="weights">The matrix.</param>
    /// <param name="firstRow">The first weight row.</param>
    /// <param name="endRow">One past the last weight row.</param>
    /// <param name="activations">Rows in the form <see cref="Activation"/>.</param>
    /// <param name="index">Which activation row is the c-th, or null where it is row c.</param>
    /// <param name="count">The number of activations.</param>
    /// <param name="tiled">
    /// How many of the activations, the first ones, are multiplied by tiles of weights where these are to be had: fast for
    /// many. The others are multiplied row by row. The results of the two differ in rounding, so it is for the caller to
    /// say which: then a result does not depend on what else is computed.
    /// </param>
    /// <param name="y">The results.</param>
    /// <param name="stride">The distance from y[c] to y[c + 1].</param>
    public abstract void Multiply(in WeightMatrix weights, int firstRow, int endRow, ActivationRows activations, int* index, int count, int tiled, float* y, long stride);

    /// <summary>Writes the values of one weight row as floats.</summary>
    public abstract void DequantizeRow(in WeightMatrix weights, int row, float* values);

    private readonly struct Chooser(MatMulPath path) : IBlockFormatVisitor<MatMulKernel>
    {
        public MatMulKernel Visit<TFormat>()
            where TFormat : struct, IBlockFormat<TFormat> =>
            path == MatMulPath.Fast ? MatMulKernel<TFormat>.Instance : ReferenceMatMulKernel<TFormat>.Instance;
    }
}

/// <inheritdoc/>
internal unsafe class MatMulKernel<TFormat> : MatMulKernel
    where TFormat : struct, IBlockFormat<TFormat>
{
    // Activations that meet a weight row while it is in the first-level cache.
    private const int Columns = 8;

    public static MatMulKernel<TFormat> Instance { get; } = new();

    public override ActivationFormat Activation => TFormat.Activation;

    [SkipLocalsInit]
    public override void Multiply(in WeightMatrix weights, int firstRow, int endRow, ActivationRows activations, int* index, int count, int tiled, float* y, long stride)
    {
        int done = tiled;
        if (TileProduct<TFormat>.Serves(endRow - firstRow, tiled))
        {
            TileProduct<TFormat>.Multiply(weights, firstRow, activations, index, tiled, y, stride);
        }
        else if (FloatTileProduct<TFormat>.Serves(tiled))
        {
            FloatTileProduct<TFormat>.Multiply(weights, firstRow, endRow, activations, index, tiled, y, stride);
        }
        else
        {
            done = 0;
        }

        ActivationRow* columns = stackalloc ActivationRow[Columns];
        int blocks = weights.Columns / TFormat.ValuesPerBlock;
        for (; done < count; done += Columns)
        {
            int width = Math.Min(Columns, count - done);
            for (int c = 0; c < width; c++)
            {
                columns[c] = activations[index == null ? done + c : index[done + c]];
            }

            float* results = y + (done * stride);
            byte* row = weights.Row(firstRow);
            for (int r = firstRow; r < endRow; r++, row += weights.RowBytes, results++)
            {
                DotColumns(row, columns, width, blocks, results, stride);
            }
        }
    }

    public override void DequantizeRow(in WeightMatrix weights, int row, float* values)
    {
        byte* block = weights.Row(row);
        for (int i = 0; i < weights.Columns; i += TFormat.ValuesPerBlock, block += TFormat.BytesPerBlock)
        {
            TFormat.Dequantize(block, values + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void DotColumns(byte* row, ActivationRow* columns, int count, int blocks, float* results, long stride)
    {
        if (!Avx512BW.IsSupported)
        {
            for (int c = 0; c < count; c++)
            {
                results[c * stride] = Dot(row, columns[c], blocks);
            }

            return;
        }

        for (; count >= FourColumns.Count; count -= FourColumns.Count, columns += FourColumns.Count, results += FourColumns.Count * stride)
        {
            TFormat.DotColumns512<FourColumns>(row, columns, blocks, results, stride);
        }

        switch (count)
        {
            case 3:
                TFormat.DotColumns512<ThreeColumns>(row, columns, blocks, results, stride);
                break;
            case 2:
                TFormat.DotColumns512<TwoColumns>(row, columns, blocks, results, stride);
                break;
            case 1:
                TFormat.DotColumns512<OneColumn>(row, columns, blocks, results, stride);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Dot(byte* row, in ActivationRow activation, int blocks)
    {
        if (Avx2.IsSupported)
        {
            return TFormat.Dot256(row, activation, blocks);
        }

        return Vector128.IsHardwareAccelerated ? TFormat.Dot128(row, activation, blocks) : TFormat.Dot(row, activation, blocks);
    }
}

/// <summary>What the weights mean, without quantised activations: the yardstick of the fast path.</summary>
internal sealed unsafe class ReferenceMatMulKernel<TFormat> : MatMulKernel<TFormat>
    where TFormat : struct, IBlockFormat<TFormat>
{
    public static new ReferenceMatMulKernel<TFormat> Instance { get; } = new();

    public override ActivationFormat Activation => ActivationFormat.F32;

    public override void Multiply(in WeightMatrix weights, int firstRow, int endRow, ActivationRows activations, int* index, int count, int tiled, float* y, long stride)
    {
        int columns = weights.Columns;
        int rows = endRow - firstRow;
        using var row = new NativeBuffer<float>(columns);
        using var values = new NativeBuffer<double>((long)rows * columns);
        using var activation = new NativeBuffer<double>(columns);
        for (int r = 0; r < rows; r++)
        {
            DequantizeRow(weights, firstRow + r, row.Pointer);
            ToDouble(row.Pointer, values.Pointer + ((long)r * columns), columns);
        }

        for (int c = 0; c < count; c++)
        {
            ToDouble(activations[index == null ? c : index[c]].Values, activation.Pointer, columns);
            for (int r = 0; r < rows; r++)
            {
                y[c * stride + r] = (float)Dot(values.Pointer + ((long)r * columns), activation.Pointer, columns);
            }
        }
    }

    private static void ToDouble(float* source, double* target, int length)
    {
        for (int i = 0; i < length; i++)
        {
            target[i] = source[i];
        }
    }

    private static double Dot(double* a, double* b, int length)
    {
        // Four sums side by side, as one alone would wait for each of its additions.
        double sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
        int i = 0;
        for (; i + 4 <= length; i += 4)
        {
            sum0 += a[i] * b[i];
            sum1 += a[i + 1] * b[i + 1];
            sum2 += a[i + 2] * b[i + 2];
            sum3 += a[i + 3] * b[i + 3];
        }

        for (; i < length; i++)
        {
            sum0 += a[i] * b[i];
        }

        return (sum0 + sum1) + (sum2 + sum3);
    }
}
