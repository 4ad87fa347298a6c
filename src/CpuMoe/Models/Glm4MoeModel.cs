using CpuMoe.Compute;
using CpuMoe.Experts;
using CpuMoe.Gguf;

namespace CpuMoe.Models;

/// <summary>GLM-4.5 and its relatives: pre-norm decoder blocks with grouped-query attention and a mixture of experts.</summary>
/// <remarks>
/// Source of the formulas: transformers <c>models/glm4_moe/modeling_glm4_moe.py</c>. The trailing NextN block (multi-token
/// prediction) is recognised and left alone: it is not part of the trunk and its tensors are never read here.
/// </remarks>
internal sealed unsafe class Glm4MoeModel : Model
{
    private readonly GgufFile _file;
    private readonly Glm4MoeConfig _config;
    private readonly Glm4MoeWeights _weights;
    private readonly WeightMemory _memory;
    private readonly Glm4MoeScratch _scratch;
    private readonly WorkerPool _pool;
    private readonly Projection _projection;
    private readonly FeedForward _feedForward;
    private readonly Attention _attention;
    private readonly RotaryEmbedding _rotary;
    private readonly PerToken _normalize;
    private readonly PerToken _placeKeys;
    private readonly ExpertAssignment _assignment;
    private readonly ExpertMixture _mixture;
    private readonly PerToken _embed;
    private readonly TokenBatch _batch;
    private readonly Lock _pass = new();
    private bool _disposed;

    // The arguments of the per-token steps.
    private Glm4MoeLayer _layer = null!;
    private float* _normWeights;
    private bool _isHead;
    private int _layerIndex;

    /// <summary>Binds the tensors of the trunk.</summary>
    /// <exception cref="GgufFormatException">A key or tensor is missing or does not fit.</exception>
    public Glm4MoeModel(GgufFile file, ModelOptions options)
    {
        _file = file;
        _config = Glm4MoeConfig.Read(file.Metadata);
        AttentionShape shape = _config.Attention;
        _scratch = new Glm4MoeScratch(_config, options.BatchSize);
        long positionBytes = KvCache.BytesPerToken(_config.TrunkBlocks, shape.KeyValueHeads, shape.KeyLength, shape.ValueLength, KvType.F16);
        var sizes = WeightSizes.Of(file, _config.TrunkBlocks, tensor => tensor.ByteCount);
        _memory = new WeightMemory(file, options, sizes, _scratch.ByteCount, positionBytes, _config.ContextLength);
        try
        {
            MatMulPath path = options.Compute == ComputePath.Fast ? MatMulPath.Fast : MatMulPath.Reference;
            _weights = new Glm4MoeWeights(file, _config, new TensorBinder(file, path, _memory.Resident));
            _memory.Load(_weights.Experts, _config.Router.ExpertsUsed);
        }
        catch
        {
            _memory.Dispose();
            _scratch.Dispose();
            throw;
        }

        _pool = new WorkerPool(options.Threads);
        _projection = new Projection(_pool);
        _feedForward = new FeedForward(_pool, _config.ExpertCount + 1);
        _attention = new Attention(_pool, _config.Attention);
        _rotary = new RotaryEmbedding(_config.RotaryDimensions, _config.RotaryBase, options.BatchSize);
        _assignment = new ExpertAssignment(_config.ExpertCount, _config.Router, options.BatchSize);
        _mixture = new ExpertMixture(_memory.Experts, _assignment, _feedForward, _config.ExpertCount);
        _batch = new TokenBatch(options.BatchSize);
        _embed = new PerToken(_pool, Embed);
        _normalize = new PerToken(_pool, Normalize);
        _placeKeys = new PerToken(_pool, PlaceKeys);
    }

    /// <inheritdoc/>
    public override string Architecture => Glm4MoeConfig.Architecture;

    /// <inheritdoc/>
    public override int VocabularySize => _weights.Output.Rows;

    /// <inheritdoc/>
    public override int ContextLength => _config.ContextLength;

    /// <inheritdoc/>
    public override int BatchSize => _scratch.BatchSize;

    /// <inheritdoc/>
    public override int Threads => _pool.Threads;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Warnings => _weights.Warnings;

    /// <inheritdoc/>
    public override ExpertStatistics? ExpertStatistics => _memory.Experts.Statistics;

    /// <inheritdoc/>
    public override KvCache CreateCache(int capacity, KvType type)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        AttentionShape shape = _config.Attention;
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        long bytes = capacity * KvCache.BytesPerToken(_config.TrunkBlocks, shape.KeyValueHeads, shape.KeyLength, shape.ValueLength, type);
        _memory.Reserve(bytes, $"A KV cache of {capacity} tokens");
        try
        {
            return new KvCache(_config.TrunkBlocks, shape.KeyValueHeads, shape.KeyLength, shape.ValueLength, capacity, type, () => _memory.Restore(bytes));
        }
        catch
        {
            _memory.Restore(bytes);
            throw;
        }
    }

    /// <inheritdoc/>
    public override void Forward(ReadOnlySpan<int> tokens, ReadOnlySpan<SequenceSegment> segments, Span<float> logits, CancellationToken cancellationToken = default)
    {
        lock (_pass)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            CheckArguments(tokens, segments, logits);
            int segment = 0;
            int done = 0;
            while (segment < segments.Length)
            {
                _batch.Begin();
                while (segment < segments.Length && _batch.Room > 0)
                {
                    int count = Math.Min(_batch.Room, segments[segment].Tokens - done);
                    _batch.Add(segments[segment], tokens[..count], done);
                    tokens = tokens[count..];
                    bool isEnd = (done += count) == segments[segment].Tokens;
                    (segment, done) = isEnd ? (segment + 1, 0) : (segment, done);
                }

                RunTrunk(cancellationToken);
                RunHead(logits);
                logits = logits[(_batch.LogitCount * VocabularySize)..];
            }

            // Only now: a cancelled pass leaves the caches as they were.
            foreach (SequenceSegment evaluated in segments)
            {
                evaluated.Cache.Append(evaluated.Tokens);
            }
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        lock (_pass)
        {
            _disposed = true;
            _pool.Dispose();
            _scratch.Dispose();
            _memory.Dispose();
            _attention.Dispose();
            _rotary.Dispose();
            _assignment.Dispose();

            // The weights are pointers into the mapping: it must not be collected before the model.
            GC.KeepAlive(_file);
        }
    }

    private void RunTrunk(CancellationToken cancellationToken)
    {
        _embed.Run(_batch.Count);
        _rotary.Prepare(_batch.Positions);
        for (_layerIndex = 0; _layerIndex < _weights.Layers.Length; _layerIndex++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _layer = _weights.Layers[_layerIndex];
            RunAttention();
            RunFeedForward(cancellationToken);
        }
    }

    /// <summary>x += Wo * attention(rms(x)).</summary>
    private void RunAttention()
    {
        AttentionShape shape = _config.Attention;
        int queryLength = shape.Heads * shape.KeyLength;
        Normalize(_layer.AttentionNorm);
        _projection.Run(
            _scratch.Normalized,
            new ProjectionPart(_layer.Query, _layer.QueryBias, _scratch.Queries, queryLength),
            new ProjectionPart(_layer.Key, _layer.KeyBias, _scratch.Keys, shape.KeyValueHeads * shape.KeyLength),
            new ProjectionPart(_layer.Value, _layer.ValueBias, _scratch.Values, shape.KeyValueHeads * shape.ValueLength));
        _placeKeys.Run(_batch.Count);
        _scratch.Attended.Begin(_batch.Count, _batch.PromptCount);
        foreach (TokenBatch.Run run in _batch.Runs)
        {
            float* queries = _scratch.Queries + ((long)run.FirstRow * queryLength);
            _attention.Add(run.Cache.View(_layerIndex), queries, _scratch.Attended.Row(run.FirstRow), run.FirstPosition, run.Rows);
        }

        _attention.Run();
        _projection.Run(_scratch.Attended, new ProjectionPart(_layer.Output, null, _scratch.X, _config.EmbeddingLength, accumulate: true));
    }

    /// <summary>x += mlp(rms(x)) in dense blocks, x += shared(rms(x)) + sum of w_i * expert_i(rms(x)) in the others.</summary>
    private void RunFeedForward(CancellationToken cancellationToken)
    {
        int tokens = _batch.Count;
        int tiled = _batch.PromptCount;
        Normalize(_layer.FeedForwardNorm);
        _feedForward.Begin(_scratch.Normalized);
        ActivationMatrix hidden = _layer.Experts is null ? _scratch.DenseHidden! : _scratch.SharedHidden!;
        hidden.Begin(tokens, tiled);
        _feedForward.Add(0, new FeedForwardGroup(_layer.Always, hidden, 0, tokens, tiled, null, null));
        if (_layer.Experts is null)
        {
            _feedForward.Activate();
            _feedForward.Accumulate(_scratch.X);
            return;
        }

        _projection.Run(_scratch.Normalized, new ProjectionPart(_layer.Router, null, _scratch.RouterLogits, _config.ExpertCount));
        _assignment.Assign(_scratch.RouterLogits, _layer.RouterBias, tokens);
        _scratch.RoutedHidden!.Begin(tokens * _config.Router.ExpertsUsed, tiled: 0);
        _mixture.Run(_layerIndex - _config.LeadingDenseBlocks, tokens, tiled, _scratch.RoutedHidden, _scratch.X, cancellationToken);
    }

    /// <summary>logits = Woutput * rms(x), for the rows that want them.</summary>
    private void RunHead(Span<float> logits)
    {
        if (_batch.LogitCount == 0)
        {
            return;
        }

        Normalize(_weights.OutputNorm, isHead: true);
        fixed (float* y = logits)
        {
            _projection.Run(_scratch.Normalized, new ProjectionPart(_weights.Output, null, y, VocabularySize));
        }

        for (int row = 0; row < _batch.LogitCount; row++)
        {
            foreach (int token in _weights.MaskedTokens)
            {
                logits[(row * VocabularySize) + token] = float.NegativeInfinity;
            }
        }
    }

    /// <summary>Normalises all rows, or, for the head, those that want logits.</summary>
    private void Normalize(float* weights, bool isHead = false)
    {
        _isHead = isHead;
        _normWeights = weights;
        int count = isHead ? _batch.LogitCount : _batch.Count;

        // A single row of logits is wanted of prompts and of decoded tokens alike, and the tiles do not repay.
        _scratch.Normalized.Begin(count, isHead ? _batch.TiledLogits : _batch.PromptCount);
        _normalize.Run(count);
    }

    private void Embed(int row) => _weights.Embedding.Read(_batch.Tokens[row], _scratch.X + ((long)row * _config.EmbeddingLength));

    private void Normalize(int row)
    {
        int length = _config.EmbeddingLength;
        int source = _isHead ? _batch.LogitRows[row] : row;
        RmsNorm.Apply(
            new ReadOnlySpan<float>(_scratch.X + (long)source * length, length),
            new ReadOnlySpan<float>(_normWeights, length),
            _config.NormEpsilon,
            new Span<float>(_scratch.Normalized.Row(row), length));
    }

    /// <summary>Normalises and turns the queries and keys of one token and stores its keys and values.</summary>
    private void PlaceKeys(int token)
    {
        AttentionShape shape = _config.Attention;
        float* queries = _scratch.Queries + (long)token * shape.Heads * shape.KeyLength;
        float* keys = _scratch.Keys + (long)token * shape.KeyValueHeads * shape.KeyLength;
        float* values = _scratch.Values + (long)token * shape.KeyValueHeads * shape.ValueLength;
        PlaceHeads(queries, shape.Heads, _layer.QueryNorm, token);
        PlaceHeads(keys, shape.KeyValueHeads, _layer.KeyNorm, token);
        _batch.Caches[token].Store(_layerIndex, _batch.Positions[token], keys, values);
    }

    private void PlaceHeads(float* heads, int count, float* norm, int token)
    {
        int length = _config.Attention.KeyLength;
        for (int head = 0; head < count; head++, heads += length)
        {
            if (norm != null)
            {
                var vector = new Span<float>(heads, length);
                RmsNorm.Apply(vector, new ReadOnlySpan<float>(norm, length), _config.NormEpsilon, vector);
            }

            _rotary.Apply(heads, token);
        }
    }

    private void CheckArguments(ReadOnlySpan<int> tokens, ReadOnlySpan<SequenceSegment> segments, Span<float> logits)
    {
        long count = 0;
        long rows = 0;
        for (int i = 0; i < segments.Length; i++)
        {
            SequenceSegment segment = segments[i];
            CheckSegment(segment);
            count += segment.Tokens;
            rows += segment.LogitRows;
            if (i > 0 && segment.IsPrompt && !segments[i - 1].IsPrompt)
            {
                throw new ArgumentException("A segment of a prompt comes after one that is none.", nameof(segments));
            }

            foreach (SequenceSegment other in segments[..i])
            {
                if (other.Cache == segment.Cache)
                {
                    throw new ArgumentException("Two segments have the same cache.", nameof(segments));
                }
            }
        }

        if (count != tokens.Length)
        {
            throw new ArgumentException($"There are {tokens.Length} tokens for segments of {count}.", nameof(tokens));
        }

        if (rows * VocabularySize != logits.Length)
        {
            throw new ArgumentException($"There are {logits.Length} logits for {rows} rows of {VocabularySize}.", nameof(logits));
        }

        foreach (int token in tokens)
        {
            if ((uint)token >= (uint)_weights.Embedding.Rows)
            {
                throw new ArgumentException($"Token {token} is not between 0 and {_weights.Embedding.Rows - 1}.", nameof(tokens));
            }
        }
    }

    private void CheckSegment(SequenceSegment segment)
    {
        KvCache cache = segment.Cache;
        AttentionShape shape = _config.Attention;
        if (!cache.Fits(_config.TrunkBlocks, shape.KeyValueHeads, shape.KeyLength, shape.ValueLength))
        {
            throw new ArgumentException("The cache was made for a model of another shape; use CreateCache of this model.", nameof(segment));
        }

        if (segment.Tokens < 1 || segment.Tokens > cache.Capacity - cache.Length)
        {
            throw new ArgumentException($"{segment.Tokens} tokens do not fit behind the {cache.Length} of {cache.Capacity} positions of the cache.", nameof(segment));
        }

        if (segment.LogitRows < 0 || segment.LogitRows > segment.Tokens)
        {
            throw new ArgumentException($"{segment.LogitRows} rows of logits are asked of {segment.Tokens} tokens.", nameof(segment));
        }
    }
}
