using System.Numerics.Tensors;

namespace CpuMoe.Compute;

/// <summary>The keys and values of one layer as attention reads them: for each head a run of stored vectors, one per position.</summary>
/// <param name="format">How a vector is stored.</param>
/// <param name="keys">The first key vector of head 0.</param>
/// <param name="values">The first value vector of head 0.</param>
/// <param name="keyHeadBytes">Bytes from a head's keys to the next head's.</param>
/// <param name="valueHeadBytes">Bytes from a head's values to the next head's.</param>
internal readonly unsafe struct KeyValueView(KvFormat format, byte* keys, byte* values, long keyHeadBytes, long valueHeadBytes)
{
    public readonly KvFormat Format = format;

    public byte* Keys(int head) => keys + head * keyHeadBytes;

    public byte* Values(int head) => values + head * valueHeadBytes;
}

/// <summary>The sizes of an attention layer.</summary>
/// <param name="Heads">Query heads, a multiple of <paramref name="KeyValueHeads"/>.</param>
/// <param name="KeyValueHeads">Key/value heads; query head h reads head h / (Heads / KeyValueHeads).</param>
/// <param name="KeyLength">Values per key and query head.</param>
/// <param name="ValueLength">Values per value head.</param>
internal sealed record AttentionShape(int Heads, int KeyValueHeads, int KeyLength, int ValueLength)
{
    public int Group => Heads / KeyValueHeads;
}

/// <summary>
/// Causal attention with grouped queries: out = softmax(q . k / sqrt(KeyLength)) . v over the positions up to each query's own.
/// </summary>
/// <remarks>
/// The positions are cut into spans of fixed length. A span is attended by itself and the spans of a query are joined in
/// order, so that a token's result is the same to the bit alone, in a batch, and on any number of threads. A run of
/// several tiles is shared out by tile and key/value head. A single tile is shared out by span too (Dao et al.,
/// "Flash-Decoding for long-context inference", 2023): who finishes the last span of a head joins them. Runs of several
/// sequences are attended in one parallel region.
/// </remarks>
internal sealed unsafe class Attention : IParallelJob, IDisposable
{
    /// <summary>Positions per span, a multiple of <see cref="AttentionTile.Block"/>.</summary>
    internal const int SpanLength = 512;

    // Each key and value that is turned into floats serves this many queries or a few less. Their scratch is about
    // 1.3 KB each and fits the second-level cache.
    private const int RowsPerTile = 192;

    private readonly WorkerPool _pool;
    private readonly AttentionShape _shape;
    private readonly AttentionTile[] _tiles;
    private readonly int _tokensPerTile;
    private NativeBuffer<float> _parts = new(0);
    private TokenRun[] _runs = new TokenRun[1];
    private int[] _spansLeft;
    private int _count;

    public Attention(WorkerPool pool, AttentionShape shape)
    {
        _pool = pool;
        _shape = shape;
        _tokensPerTile = Math.Max(1, RowsPerTile / shape.Group);
        _spansLeft = new int[shape.KeyValueHeads];
        _tiles = new AttentionTile[pool.Threads];
        for (int i = 0; i < _tiles.Length; i++)
        {
            _tiles[i] = AttentionTile.Create(shape, _tokensPerTile);
        }
    }

    // A query's part of a span: the output, the maximum and the sum.
    private int PartLength => _shape.ValueLength + 2;

    /// <summary>Adds <paramref name="tokens"/> tokens of a sequence from position <paramref name="firstPosition"/> on, whose keys and values are in the cache.</summary>
    /// <param name="cache">The layer's keys and values.</param>
    /// <param name="queries">[tokens][Heads][KeyLength].</param>
    /// <param name="output">[tokens][Heads][ValueLength].</param>
    /// <param name="firstPosition">The position of the first token.</param>
    /// <param name="tokens">The number of tokens.</param>
    public void Add(in KeyValueView cache, float* queries, float* output, int firstPosition, int tokens)
    {
        if (_count == _runs.Length)
        {
            Array.Resize(ref _runs, 2 * _count);
            Array.Resize(ref _spansLeft, _runs.Length * _shape.KeyValueHeads);
        }

        int spans = (firstPosition + tokens + SpanLength - 1) / SpanLength;
        int tiles = tokens > _tokensPerTile ? (tokens + _tokensPerTile - 1) / _tokensPerTile : 0;
        _runs[_count++] = new TokenRun
        {
            Cache = cache,
            Queries = queries,
            Output = output,
            FirstPosition = firstPosition,
            Tokens = tokens,
            Spans = spans,
            Tiles = tiles,
            Chunks = (tiles == 0 ? spans : tiles) * _shape.KeyValueHeads,
        };
    }

    /// <summary>Attends for all tokens that were added since the last time.</summary>
    public void Run()
    {
        int chunks = 0;
        long parts = 0;
        for (int i = 0; i < _count; i++)
        {
            ref TokenRun run = ref _runs[i];
            run.FirstPart = parts;
            chunks += run.Chunks;
            if (run.Tiles == 0)
            {
                parts += (long)run.Spans * run.Tokens * _shape.Heads * PartLength;
                Array.Fill(_spansLeft, run.Spans, i * _shape.KeyValueHeads, _shape.KeyValueHeads);
            }
        }

        if (parts > _parts.Length)
        {
            // Twice what is needed: contexts grow token by token.
            _parts.Dispose();
            _parts = new NativeBuffer<float>(2 * parts);
        }

        _pool.Run(this, chunks);
        _count = 0;
    }

    public void Dispose()
    {
        _parts.Dispose();
        foreach (AttentionTile tile in _tiles)
        {
            tile.Dispose();
        }
    }

    void IParallelJob.Execute(int chunk, int worker)
    {
        int i = 0;
        while (chunk >= _runs[i].Chunks)
        {
            chunk -= _runs[i++].Chunks;
        }

        ref readonly TokenRun run = ref _runs[i];
        if (run.Tiles > 0)
        {
            AttendTile(run, chunk / _shape.KeyValueHeads * _tokensPerTile, chunk % _shape.KeyValueHeads, _tiles[worker]);
            return;
        }

        int head = chunk / run.Spans;
        AttendSpan(run, head, chunk % run.Spans, _tiles[worker]);
        if (Interlocked.Decrement(ref _spansLeft[(i * _shape.KeyValueHeads) + head]) == 0)
        {
            for (int row = 0; row < run.Tokens * _shape.Group; row++)
            {
                JoinParts(run, head, row);
            }
        }
    }

    private void AttendTile(in TokenRun run, int firstToken, int head, AttentionTile tile)
    {
        var task = new AttentionTask(Math.Min(_tokensPerTile, run.Tokens - firstToken), run.FirstPosition + firstToken, head);
        int rows = task.Tokens * _shape.Group;
        Span<float> maxima = stackalloc float[rows];
        Span<float> sums = stackalloc float[rows];
        maxima.Fill(float.NegativeInfinity);
        sums.Clear();
        tile.LoadQueries(task, Query(run, firstToken, head));
        for (int start = 0; start < task.End; start += SpanLength)
        {
            tile.Attend(task, run.Cache, start, Math.Min(task.End, start + SpanLength));
            for (int row = 0; row < rows; row++)
            {
                Join(Output(run, firstToken, head, row), ref maxima[row], ref sums[row], tile.Output(row), tile.Maxima[row], tile.Sums[row]);
            }
        }

        for (int row = 0; row < rows; row++)
        {
            Span<float> output = Output(run, firstToken, head, row);
            TensorPrimitives.Divide(output, sums[row], output);
        }
    }

    private void AttendSpan(in TokenRun run, int head, int span, AttentionTile tile)
    {
        var task = new AttentionTask(run.Tokens, run.FirstPosition, head);
        tile.LoadQueries(task, Query(run, 0, head));
        tile.Attend(task, run.Cache, span * SpanLength, Math.Min(task.End, (span + 1) * SpanLength));
        for (int row = 0; row < task.Tokens * _shape.Group; row++)
        {
            float* part = Part(run, head, span, row);
            new ReadOnlySpan<float>(tile.Output(row), _shape.ValueLength).CopyTo(new Span<float>(part, _shape.ValueLength));
            part[_shape.ValueLength] = tile.Maxima[row];
            part[_shape.ValueLength + 1] = tile.Sums[row];
        }
    }

    private void JoinParts(in TokenRun run, int head, int row)
    {
        Span<float> output = Output(run, 0, head, row);
        float maximum = float.NegativeInfinity;
        float sum = 0;
        for (int span = 0; span < run.Spans; span++)
        {
            float* part = Part(run, head, span, row);
            Join(output, ref maximum, ref sum, part, part[_shape.ValueLength], part[_shape.ValueLength + 1]);
        }

        TensorPrimitives.Divide(output, sum, output);
    }

    /// <summary>Adds the sums of a span to those of the spans before it, both relative to their own maximum.</summary>
    private static void Join(Span<float> output, ref float maximum, ref float sum, float* part, float partMaximum, float partSum)
    {
        if (sum == 0)
        {
            // The first span, which every query sees something of.
            new ReadOnlySpan<float>(part, output.Length).CopyTo(output);
            (maximum, sum) = (partMaximum, partSum);
            return;
        }

        float next = MathF.Max(maximum, partMaximum);
        float factor = float.Exp2(maximum - next);
        float partFactor = float.Exp2(partMaximum - next);
        maximum = next;
        sum = (sum * factor) + (partSum * partFactor);
        TensorPrimitives.Multiply(output, factor, output);
        TensorPrimitives.MultiplyAdd(new ReadOnlySpan<float>(part, output.Length), partFactor, output, output);
    }

    private float* Query(in TokenRun run, int token, int head) => run.Queries + (((long)token * _shape.Heads) + (head * _shape.Group)) * _shape.KeyLength;

    private Span<float> Output(in TokenRun run, int firstToken, int head, int row)
    {
        long query = ((long)(firstToken + (row / _shape.Group)) * _shape.Heads) + (head * _shape.Group) + (row % _shape.Group);
        return new Span<float>(run.Output + (query * _shape.ValueLength), _shape.ValueLength);
    }

    private float* Part(in TokenRun run, int head, int span, int row) =>
        _parts.Pointer + run.FirstPart + (((((long)head * run.Spans) + span) * run.Tokens * _shape.Group + row) * PartLength);

    /// <summary>Tokens of one sequence.</summary>
    private struct TokenRun
    {
        public KeyValueView Cache;
        public float* Queries;
        public float* Output;
        public int FirstPosition;
        public int Tokens;

        /// <summary>Spans of positions that are seen.</summary>
        public int Spans;

        /// <summary>Tiles of tokens; 0 where the run is a single one, shared out by span.</summary>
        public int Tiles;

        /// <summary>Chunks of the parallel region.</summary>
        public int Chunks;

        /// <summary>Where the parts begin of a run that is shared out by span.</summary>
        public long FirstPart;
    }
}
