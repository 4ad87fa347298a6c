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
/// A chunk is one key/value head and a tile of tokens. Blocks of keys and values are expanded to floats once and used
/// by all query heads of the group and all tokens of the tile; the softmax runs along with them (Milakov and
/// Gimelshein, "Online normalizer calculation for softmax", 2018), so that scratch does not grow with the context.
/// </remarks>
internal sealed unsafe class Attention : IParallelJob, IDisposable
{
    private const int TokensPerTile = 8;
    private const int Block = 64;

    private readonly WorkerPool _pool;
    private readonly AttentionShape _shape;
    private readonly NativeBuffer<float> _scratch;
    private readonly int _scratchPerWorker;
    private readonly float _scale;
    private KeyValueView _cache;
    private float* _queries;
    private float* _output;
    private int _firstPosition;
    private int _tokens;

    public Attention(WorkerPool pool, AttentionShape shape)
    {
        _pool = pool;
        _shape = shape;
        _scale = 1 / MathF.Sqrt(shape.KeyLength);
        _scratchPerWorker = Block * (shape.KeyLength + shape.ValueLength + 1) + 2 * TokensPerTile * shape.Group;
        _scratch = new NativeBuffer<float>((long)_scratchPerWorker * pool.Threads);
    }

    /// <summary>Attends for <paramref name="tokens"/> tokens from position <paramref name="firstPosition"/> on, whose keys and values are in the cache.</summary>
    /// <param name="cache">The layer's keys and values.</param>
    /// <param name="queries">[tokens][Heads][KeyLength].</param>
    /// <param name="output">[tokens][Heads][ValueLength].</param>
    /// <param name="firstPosition">The position of the first token.</param>
    /// <param name="tokens">The number of tokens.</param>
    public void Run(in KeyValueView cache, float* queries, float* output, int firstPosition, int tokens)
    {
        _cache = cache;
        _queries = queries;
        _output = output;
        _firstPosition = firstPosition;
        _tokens = tokens;
        _pool.Run(this, (tokens + TokensPerTile - 1) / TokensPerTile * _shape.KeyValueHeads);
    }

    public void Dispose() => _scratch.Dispose();

    void IParallelJob.Execute(int chunk, int worker)
    {
        int head = chunk % _shape.KeyValueHeads;
        int firstToken = chunk / _shape.KeyValueHeads * TokensPerTile;
        int endToken = Math.Min(_tokens, firstToken + TokensPerTile);
        int end = _firstPosition + endToken;

        float* keys = _scratch.Pointer + (long)worker * _scratchPerWorker;
        float* values = keys + Block * _shape.KeyLength;
        float* scores = values + Block * _shape.ValueLength;
        float* maxima = scores + Block;
        float* sums = maxima + TokensPerTile * _shape.Group;
        new Span<float>(maxima, TokensPerTile * _shape.Group).Fill(float.NegativeInfinity);
        new Span<float>(sums, TokensPerTile * _shape.Group).Clear();
        for (int token = firstToken; token < endToken; token++)
        {
            new Span<float>(Output(token, head, 0), _shape.Group * _shape.ValueLength).Clear();
        }

        int keyBytes = _cache.Format.VectorBytes(_shape.KeyLength);
        int valueBytes = _cache.Format.VectorBytes(_shape.ValueLength);
        for (int start = 0; start < end; start += Block)
        {
            int count = Math.Min(Block, end - start);
            _cache.Format.Load(_cache.Keys(head) + (long)start * keyBytes, keys, count * _shape.KeyLength);
            _cache.Format.Load(_cache.Values(head) + (long)start * valueBytes, values, count * _shape.ValueLength);
            for (int token = firstToken; token < endToken; token++)
            {
                int visible = Math.Min(count, _firstPosition + token + 1 - start);
                for (int g = 0; visible > 0 && g < _shape.Group; g++)
                {
                    int state = (token - firstToken) * _shape.Group + g;
                    Accumulate(Query(token, head, g), keys, values, visible, scores, ref maxima[state], ref sums[state], Output(token, head, g));
                }
            }
        }

        for (int token = firstToken; token < endToken; token++)
        {
            for (int g = 0; g < _shape.Group; g++)
            {
                var output = new Span<float>(Output(token, head, g), _shape.ValueLength);
                TensorPrimitives.Divide(output, sums[(token - firstToken) * _shape.Group + g], output);
            }
        }
    }

    private float* Query(int token, int head, int g) => _queries + ((long)token * _shape.Heads + head * _shape.Group + g) * _shape.KeyLength;

    private float* Output(int token, int head, int g) => _output + ((long)token * _shape.Heads + head * _shape.Group + g) * _shape.ValueLength;

    /// <summary>Adds a block of positions to the running softmax of one query.</summary>
    private void Accumulate(float* query, float* keys, float* values, int count, float* scores, ref float maximum, ref float sum, float* output)
    {
        var q = new ReadOnlySpan<float>(query, _shape.KeyLength);
        var p = new Span<float>(scores, count);
        var o = new Span<float>(output, _shape.ValueLength);
        for (int j = 0; j < count; j++)
        {
            p[j] = _scale * TensorPrimitives.Dot(q, new ReadOnlySpan<float>(keys + j * _shape.KeyLength, _shape.KeyLength));
        }

        float next = MathF.Max(maximum, TensorPrimitives.Max<float>(p));
        float correction = MathF.Exp(maximum - next);
        TensorPrimitives.Subtract(p, next, p);
        TensorPrimitives.Exp<float>(p, p);
        sum = sum * correction + TensorPrimitives.Sum<float>(p);
        maximum = next;
        TensorPrimitives.Multiply(o, correction, o);
        for (int j = 0; j < count; j++)
        {
            TensorPrimitives.MultiplyAdd(new ReadOnlySpan<float>(values + j * _shape.ValueLength, _shape.ValueLength), p[j], o, o);
        }
    }
}
