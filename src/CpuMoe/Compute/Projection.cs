using System.Numerics.Tensors;
using System.Runtime.CompilerServices;

namespace CpuMoe.Compute;

/// <summary>One product of a <see cref="Projection"/>: y = W x + bias, or y += W x.</summary>
/// <param name="weights">W, [outputs][inputs].</param>
/// <param name="bias">[outputs], or null.</param>
/// <param name="y">[rows][stride], of which the first [outputs] of each row are written.</param>
/// <param name="stride">Floats from one row of y to the next.</param>
/// <param name="accumulate">Whether to add to y instead of overwriting it.</param>
internal readonly unsafe struct ProjectionPart(WeightMatrix weights, float* bias, float* y, long stride, bool accumulate = false)
{
    public readonly WeightMatrix Weights = weights;
    public readonly float* Bias = bias;
    public readonly float* Y = y;
    public readonly long Stride = stride;
    public readonly bool Accumulate = accumulate;
}

/// <summary>Multiplies the same activations with one or several weight matrices in one parallel region.</summary>
internal sealed unsafe class Projection(WorkerPool pool) : IParallelJob
{
    /// <summary>Weight rows per chunk: small enough to stay in the second-level cache while activations pass by.</summary>
    public const int RowsPerChunk = 32;

    // Activations per pass over a chunk: their results lie on the stack (64 KB). Every pass unpacks the weights anew.
    internal const int ColumnsPerPass = 512;

    // Without tiles a chunk is a stream of weights from memory: the longer, the rarer the wait at its start.
    private const int MaxRowsPerChunk = 256;
    private const int FewColumns = ColumnsPerPass * RowsPerChunk / MaxRowsPerChunk;
    private const int ChunksPerThread = 8;

    private readonly ProjectionPart[] _parts = new ProjectionPart[4];
    private readonly int[] _firstChunk = new int[5];
    private int _count;
    private int _rowsPerChunk;
    private ActivationMatrix _x = null!;

    /// <summary>Weight rows per chunk, a multiple of <see cref="RowsPerChunk"/>.</summary>
    /// <param name="rows">All weight rows of the region.</param>
    /// <param name="columns">Activations that they meet.</param>
    /// <param name="tiled">How many of these are multiplied by tiles.</param>
    /// <param name="threads">Threads that share the chunks.</param>
    public static int ChunkRows(int rows, int columns, int tiled, int threads) => tiled > 0 || columns > FewColumns
        ? RowsPerChunk
        : Math.Clamp(rows / (threads * ChunksPerThread) / RowsPerChunk * RowsPerChunk, RowsPerChunk, MaxRowsPerChunk);

    /// <summary>Computes all parts for all rows of <paramref name="x"/>.</summary>
    public void Run(ActivationMatrix x, params ReadOnlySpan<ProjectionPart> parts)
    {
        _x = x;
        _count = parts.Length;
        int rows = 0;
        foreach (ref readonly ProjectionPart part in parts)
        {
            rows += part.Weights.Rows;
        }

        _rowsPerChunk = ChunkRows(rows, x.Rows, x.Tiled, pool.Threads);
        for (int i = 0; i < parts.Length; i++)
        {
            x.Prepare(parts[i].Weights.Kernel.Activation, pool);
            _parts[i] = parts[i];
            _firstChunk[i + 1] = _firstChunk[i] + ((parts[i].Weights.Rows + _rowsPerChunk - 1) / _rowsPerChunk);
        }

        pool.Run(this, _firstChunk[_count]);
    }

    [SkipLocalsInit]
    void IParallelJob.Execute(int chunk, int worker)
    {
        int i = 0;
        while (chunk >= _firstChunk[i + 1])
        {
            i++;
        }

        ref readonly ProjectionPart part = ref _parts[i];
        int firstRow = (chunk - _firstChunk[i]) * _rowsPerChunk;
        int rows = Math.Min(_rowsPerChunk, part.Weights.Rows - firstRow);
        MatMulKernel kernel = part.Weights.Kernel;
        ActivationRows activations = _x.View(kernel.Activation);
        float* tile = stackalloc float[ColumnsPerPass * RowsPerChunk];
        for (int column = 0; column < _x.Rows; column += ColumnsPerPass)
        {
            int columns = Math.Min(ColumnsPerPass, _x.Rows - column);
            kernel.Multiply(part.Weights, firstRow, firstRow + rows, activations.From(column), null, columns, Math.Clamp(_x.Tiled - column, 0, columns), tile, _rowsPerChunk);
            for (int c = 0; c < columns; c++)
            {
                var result = new Span<float>(tile + c * _rowsPerChunk, rows);
                var y = new Span<float>(part.Y + (column + c) * part.Stride + firstRow, rows);
                if (part.Accumulate)
                {
                    TensorPrimitives.Add(y, result, y);
                }
                else if (part.Bias != null)
                {
                    TensorPrimitives.Add(result, new ReadOnlySpan<float>(part.Bias + firstRow, rows), y);
                }
                else
                {
                    result.CopyTo(y);
                }
            }
        }
    }
}
