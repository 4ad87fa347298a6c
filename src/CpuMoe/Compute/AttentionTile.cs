using System.Numerics.Tensors;

namespace CpuMoe.Compute;

/// <summary>The part of a batch that is attended at a time: the queries of one key/value head for a few tokens, a row each.</summary>
/// <param name="Tokens">The tokens; row r is query r % Group of the head, of token r / Group.</param>
/// <param name="FirstPosition">The position of the first token.</param>
/// <param name="Head">The key/value head.</param>
internal readonly record struct AttentionTask(int Tokens, int FirstPosition, int Head)
{
    /// <summary>The position after the last one that is seen.</summary>
    public int End => FirstPosition + Tokens;
}

/// <summary>The scratch of one thread, in which it attends a tile to spans of positions.</summary>
/// <remarks>
/// Positions come in blocks. The keys of a block are turned to columns, so that the lanes of a register are positions in
/// the scores and output values behind them, and nothing is summed across lanes. The softmax runs along (Milakov and
/// Gimelshein, "Online normalizer calculation for softmax", 2018) in powers of two: the queries bear the factor log2(e).
/// </remarks>
internal abstract unsafe class AttentionTile : IDisposable
{
    /// <summary>Positions per block: keys and values of a block as floats fit the second-level cache with all else.</summary>
    public const int Block = 64;

    // Rows are processed in multiples of this.
    private const int RowTile = FloatTile.Rows;

    // Outputs are computed in whole pairs of registers; the widest have 32 floats.
    private const int ColumnTile = 32;

    private readonly AttentionShape _shape;
    private readonly NativeBuffer<float> _scratch;
    private readonly int _outputStride;
    private readonly float _scale;
    private readonly float* _queries;
    private readonly float* _scores;
    private readonly float* _strip;
    private readonly float* _keys;
    private readonly float* _values;
    private int _rows;

    private protected AttentionTile(AttentionShape shape, int tokens)
    {
        _shape = shape;
        _scale = 1 / (MathF.Sqrt(shape.KeyLength) * MathF.Log(2));
        _outputStride = RoundUp(shape.ValueLength, ColumnTile);
        int rows = RoundUp(tokens * shape.Group, RowTile);
        long queries = (long)rows * shape.KeyLength;

        // Keys are turned in groups of 4 values, the last of which may reach beyond the last key.
        long keys = Block * RoundUp(shape.KeyLength, 4);
        long strip = (FloatTile.Strip * shape.KeyLength) + ColumnTile;

        // The last register of the last value may reach beyond it.
        long values = Block * shape.ValueLength + ColumnTile;
        long outputs = (long)rows * _outputStride;
        _scratch = new NativeBuffer<float>(keys + values + strip + queries + (long)rows * (Block + 2) + outputs);

        // What lies beyond the rows, positions and values in use is computed with, though never read.
        new Span<float>(_scratch.Pointer, checked((int)_scratch.Length)).Clear();
        _keys = _scratch.Pointer;
        _queries = _keys + keys;
        _scores = _queries + queries;
        Outputs = _scores + (long)rows * Block;
        _strip = Outputs + outputs;
        _values = _strip + strip;
        Maxima = _values + values;
        Sums = Maxima + rows;
    }

    /// <summary>By row: the largest score of the span, times log2(e); negative infinity if the row saw none.</summary>
    public float* Maxima { get; }

    /// <summary>By row: the sum of 2^(score - maximum).</summary>
    public float* Sums { get; }

    private float* Outputs { get; }

    /// <summary>A tile of the widest registers there are.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="tokens">The largest number of tokens.</param>
    public static AttentionTile Create(AttentionShape shape, int tokens) =>
        FloatLanes512.IsSupported ? new Tile<FloatLanes512>(shape, tokens)
        : FloatLanes256.IsSupported ? new Tile<FloatLanes256>(shape, tokens)
        : new Tile<FloatLanes128>(shape, tokens);

    /// <summary>By row: the sum of 2^(score - maximum) * value, ValueLength floats.</summary>
    public float* Output(int row) => Outputs + (long)row * _outputStride;

    /// <summary>Takes the queries of a tile.</summary>
    /// <param name="task">The tile.</param>
    /// <param name="queries">The queries of its head, of its first token.</param>
    public void LoadQueries(in AttentionTask task, float* queries)
    {
        int length = _shape.Group * _shape.KeyLength;
        for (int token = 0; token < task.Tokens; token++)
        {
            var source = new ReadOnlySpan<float>(queries + (long)token * _shape.Heads * _shape.KeyLength, length);
            TensorPrimitives.Multiply(source, _scale, new Span<float>(_queries + (long)token * length, length));
        }

        _rows = RoundUp(task.Tokens * _shape.Group, RowTile);
    }

    /// <summary>Attends to the positions [start, end), a multiple of <see cref="Block"/> and at most the end of the task.</summary>
    public void Attend(in AttentionTask task, in KeyValueView cache, int start, int end)
    {
        new Span<float>(Maxima, _rows).Fill(float.NegativeInfinity);
        new Span<float>(Sums, _rows).Clear();
        new Span<float>(Outputs, _rows * _outputStride).Clear();
        for (; start < end; start += Block)
        {
            AttendBlock(task, cache, start, end);
        }
    }

    public void Dispose() => _scratch.Dispose();

    private protected abstract void Transpose(FloatRows source, int length, FloatRows destination);

    private protected abstract void AddProduct(FloatRows a, FloatRows b, FloatRows c, int rows, int columns, int depth, byte* ahead, int aheadBytes);

    private protected abstract void Soften(float* scores, ref float maximum, ref float sum, float* output, int length);

    private static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;

    private void AttendBlock(in AttentionTask task, in KeyValueView cache, int start, int end)
    {
        int count = Math.Min(Block, end - start);
        int keyBytes = cache.Format.VectorBytes(_shape.KeyLength);
        int valueBytes = cache.Format.VectorBytes(_shape.ValueLength);
        byte* keys = cache.Keys(task.Head) + (long)start * keyBytes;
        byte* values = cache.Values(task.Head) + (long)start * valueBytes;
        for (int i = 0; i < count; i += FloatTile.Strip)
        {
            cache.Format.Load(keys + i * keyBytes, _strip, Math.Min(FloatTile.Strip, count - i) * _shape.KeyLength);
            Transpose(new FloatRows(_strip, _shape.KeyLength), _shape.KeyLength, new FloatRows(_keys + i, Block));
        }

        // The rows of tokens before the block see nothing of it.
        int firstRow = Math.Max(0, start - task.FirstPosition) * _shape.Group / RowTile * RowTile;
        int rows = _rows - firstRow;
        var queries = new FloatRows(_queries + (long)firstRow * _shape.KeyLength, _shape.KeyLength);
        var scores = new FloatRows(_scores + firstRow * Block, Block);
        new Span<float>(scores.Row(0), rows * Block).Clear();
        AddProduct(queries, new FloatRows(_keys, Block), scores, rows, Block, _shape.KeyLength, values, count * valueBytes);
        Soften(task, start, count, firstRow);
        cache.Format.Load(values, _values, count * _shape.ValueLength);
        int next = Math.Min(Block, end - start - count);
        AddProduct(scores, new FloatRows(_values, _shape.ValueLength), new FloatRows(Output(firstRow), _outputStride), rows, _shape.ValueLength, count, keys + count * keyBytes, next * keyBytes);
    }

    private void Soften(in AttentionTask task, int start, int count, int firstRow)
    {
        for (int row = firstRow; row < task.Tokens * _shape.Group; row++)
        {
            var scores = new Span<float>(_scores + row * Block, Block);
            int visible = Math.Min(count, task.FirstPosition + (row / _shape.Group) + 1 - start);
            if (visible <= 0)
            {
                scores.Clear();
                continue;
            }

            scores[visible..].Fill(float.NegativeInfinity);
            Soften(_scores + row * Block, ref Maxima[row], ref Sums[row], Output(row), _shape.ValueLength);
        }
    }

    private sealed class Tile<TLanes>(AttentionShape shape, int tokens) : AttentionTile(shape, tokens)
        where TLanes : struct, IFloatLanes<TLanes>
    {
        private protected override void Transpose(FloatRows source, int length, FloatRows destination) =>
            FloatTile.Transpose<TLanes>(source, length, destination);

        private protected override void AddProduct(FloatRows a, FloatRows b, FloatRows c, int rows, int columns, int depth, byte* ahead, int aheadBytes) =>
            AttentionKernels<TLanes>.AddProduct(a, b, c, rows, columns, depth, ahead, aheadBytes);

        private protected override void Soften(float* scores, ref float maximum, ref float sum, float* output, int length) =>
            AttentionKernels<TLanes>.Soften(scores, ref maximum, ref sum, output, length);
    }
}
