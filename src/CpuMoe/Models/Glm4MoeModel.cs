using CpuMoe.Compute;
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
    private readonly Glm4MoeLayer[] _layers;
    private readonly WeightMatrix _embedding;
    private readonly float* _outputNorm;
    private readonly WeightMatrix _output;
    private readonly int[] _maskedTokens;
    private readonly Glm4MoeScratch _scratch;
    private readonly WorkerPool _pool;
    private readonly Projection _projection;
    private readonly FeedForward _feedForward;
    private readonly Attention _attention;
    private readonly RotaryEmbedding _rotary;
    private readonly PerToken _normalize;
    private readonly PerToken _placeKeys;
    private readonly ExpertAssignment _assignment;
    private readonly Lock _pass = new();
    private bool _disposed;

    // The arguments of the per-token steps.
    private Glm4MoeLayer _layer = null!;
    private KvCache _cache = null!;
    private float* _normWeights;
    private int _layerIndex;
    private int _position;
    private int _firstRow;

    /// <summary>Binds the tensors of the trunk.</summary>
    /// <exception cref="GgufFormatException">A key or tensor is missing or does not fit.</exception>
    public Glm4MoeModel(GgufFile file, ModelOptions options)
    {
        _file = file;
        _config = Glm4MoeConfig.Read(file.Metadata);
        var tensors = new TensorBinder(file, options.Compute == ComputePath.Fast ? MatMulPath.Fast : MatMulPath.Reference);
        _embedding = tensors.Vocabulary("token_embd.weight", _config.EmbeddingLength);
        _output = tensors.Has("output.weight") ? tensors.Vocabulary("output.weight", _config.EmbeddingLength) : _embedding;
        _outputNorm = tensors.Vector("output_norm.weight", _config.EmbeddingLength);
        _maskedTokens = CheckVocabulary(file, _embedding.Rows, _output.Rows);
        _layers = new Glm4MoeLayer[_config.TrunkBlocks];
        for (int block = 0; block < _layers.Length; block++)
        {
            _layers[block] = new Glm4MoeLayer(tensors, _config, block);
            if ((_layers[block].QueryNorm == null) != (_layers[0].QueryNorm == null) || (_layers[block].KeyNorm == null) != (_layers[0].QueryNorm == null))
            {
                throw new ModelLoadException("QK norms are present in some blocks and missing in others; the file is incomplete.", file.Path, -1, $"tensor blk.{block}.attn_q_norm.weight");
            }
        }

        Warnings = [.. tensors.Unclaimed().Where(name => !IsNextN(name)).Select(name => $"tensor {name} is not part of this architecture and is ignored")];
        _pool = new WorkerPool(options.Threads);
        _projection = new Projection(_pool);
        _feedForward = new FeedForward(_pool, _config.ExpertCount + 1);
        _attention = new Attention(_pool, _config.Attention);
        _rotary = new RotaryEmbedding(_config.RotaryDimensions, _config.RotaryBase, options.BatchSize);
        _scratch = new Glm4MoeScratch(_config, options.BatchSize);
        _assignment = new ExpertAssignment(_config.ExpertCount, _config.Router, options.BatchSize);
        _normalize = new PerToken(_pool, Normalize);
        _placeKeys = new PerToken(_pool, PlaceKeys);
    }

    /// <inheritdoc/>
    public override string Architecture => Glm4MoeConfig.Architecture;

    /// <inheritdoc/>
    public override int VocabularySize => _output.Rows;

    /// <inheritdoc/>
    public override int ContextLength => _config.ContextLength;

    /// <inheritdoc/>
    public override int Threads => _pool.Threads;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Warnings { get; }

    /// <inheritdoc/>
    public override KvCache CreateCache(int capacity, KvType type)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        AttentionShape shape = _config.Attention;
        return new KvCache(_layers.Length, shape.KeyValueHeads, shape.KeyLength, shape.ValueLength, capacity, type);
    }

    /// <inheritdoc/>
    public override void Forward(ReadOnlySpan<int> tokens, KvCache cache, Span<float> logits, CancellationToken cancellationToken = default)
    {
        lock (_pass)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            int logitRows = CheckArguments(tokens, cache, logits);
            _cache = cache;
            int done = 0;
            while (done < tokens.Length)
            {
                int count = Math.Min(_scratch.BatchSize, tokens.Length - done);
                int firstLogits = Math.Max(done, tokens.Length - logitRows);
                int rows = Math.Max(0, done + count - firstLogits);
                _position = cache.Length + done;
                RunTrunk(tokens.Slice(done, count), cancellationToken);
                if (rows > 0)
                {
                    int firstRow = firstLogits - (tokens.Length - logitRows);
                    RunHead(count - rows, rows, logits.Slice(firstRow * VocabularySize, rows * VocabularySize));
                }

                done += count;
            }

            // Only now: a cancelled pass leaves the cache as it was.
            cache.Append(tokens.Length);
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
            _attention.Dispose();
            _rotary.Dispose();
            _assignment.Dispose();

            // The weights are pointers into the mapping: it must not be collected before the model.
            GC.KeepAlive(_file);
        }
    }

    private void RunTrunk(ReadOnlySpan<int> tokens, CancellationToken cancellationToken)
    {
        for (int row = 0; row < tokens.Length; row++)
        {
            _embedding.Kernel.DequantizeRow(_embedding, tokens[row], _scratch.X + (long)row * _config.EmbeddingLength);
        }

        _rotary.Prepare(_position, tokens.Length);
        for (_layerIndex = 0; _layerIndex < _layers.Length; _layerIndex++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _layer = _layers[_layerIndex];
            RunAttention(tokens.Length);
            RunFeedForward(tokens.Length);
        }
    }

    /// <summary>x += Wo * attention(rms(x)).</summary>
    private void RunAttention(int tokens)
    {
        AttentionShape shape = _config.Attention;
        NormalizeRows(0, tokens, _layer.AttentionNorm);
        _projection.Run(
            _scratch.Normalized,
            new ProjectionPart(_layer.Query, _layer.QueryBias, _scratch.Queries, shape.Heads * shape.KeyLength),
            new ProjectionPart(_layer.Key, _layer.KeyBias, _scratch.Keys, shape.KeyValueHeads * shape.KeyLength),
            new ProjectionPart(_layer.Value, _layer.ValueBias, _scratch.Values, shape.KeyValueHeads * shape.ValueLength));
        _placeKeys.Run(tokens);
        _scratch.Attended.Begin(tokens);
        _attention.Run(_cache.View(_layerIndex), _scratch.Queries, _scratch.Attended.Values, _position, tokens);
        _projection.Run(_scratch.Attended, new ProjectionPart(_layer.Output, null, _scratch.X, _config.EmbeddingLength, accumulate: true));
    }

    /// <summary>x += mlp(rms(x)) in dense blocks, x += shared(rms(x)) + sum of w_i * expert_i(rms(x)) in the others.</summary>
    private void RunFeedForward(int tokens)
    {
        NormalizeRows(0, tokens, _layer.FeedForwardNorm);
        _feedForward.Begin(_scratch.Normalized);
        ActivationMatrix hidden = _layer.Experts is null ? _scratch.DenseHidden! : _scratch.SharedHidden!;
        hidden.Begin(tokens);
        _feedForward.Add(new FeedForwardGroup(_layer.Always, hidden, 0, tokens, null, null));
        if (_layer.Experts is { } experts)
        {
            _projection.Run(_scratch.Normalized, new ProjectionPart(_layer.Router, null, _scratch.RouterLogits, _config.ExpertCount));
            _assignment.Assign(_scratch.RouterLogits, _layer.RouterBias, tokens);
            _scratch.RoutedHidden!.Begin(tokens * _config.Router.ExpertsUsed);
            for (int expert = 0; expert < experts.Count; expert++)
            {
                if (_assignment.TokensOf(expert, out int first) is > 0 and int rows)
                {
                    _feedForward.Add(new FeedForwardGroup(experts[expert], _scratch.RoutedHidden, first, rows, _assignment.Tokens + first, _assignment.Weights + first));
                }
            }
        }

        _feedForward.Run(_scratch.X);
    }

    /// <summary>logits = Woutput * rms(x), for the rows [first, first + count).</summary>
    private void RunHead(int first, int count, Span<float> logits)
    {
        NormalizeRows(first, count, _outputNorm);
        fixed (float* y = logits)
        {
            _projection.Run(_scratch.Normalized, new ProjectionPart(_output, null, y, VocabularySize));
        }

        for (int row = 0; row < count; row++)
        {
            foreach (int token in _maskedTokens)
            {
                logits[(row * VocabularySize) + token] = float.NegativeInfinity;
            }
        }
    }

    private void NormalizeRows(int first, int count, float* weights)
    {
        _firstRow = first;
        _normWeights = weights;
        _scratch.Normalized.Begin(count);
        _normalize.Run(count);
    }

    private void Normalize(int row)
    {
        int length = _config.EmbeddingLength;
        RmsNorm.Apply(
            new ReadOnlySpan<float>(_scratch.X + (long)(_firstRow + row) * length, length),
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
        _cache.Store(_layerIndex, _position + token, keys, values);
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

    private int CheckArguments(ReadOnlySpan<int> tokens, KvCache cache, Span<float> logits)
    {
        ArgumentNullException.ThrowIfNull(cache);
        AttentionShape shape = _config.Attention;
        if (!cache.Fits(_layers.Length, shape.KeyValueHeads, shape.KeyLength, shape.ValueLength))
        {
            throw new ArgumentException("The cache was made for a model of another shape; use CreateCache of this model.", nameof(cache));
        }

        if (tokens.IsEmpty || tokens.Length > cache.Capacity - cache.Length)
        {
            throw new ArgumentException($"{tokens.Length} tokens do not fit behind the {cache.Length} of {cache.Capacity} positions of the cache.", nameof(tokens));
        }

        foreach (int token in tokens)
        {
            if ((uint)token >= (uint)_embedding.Rows)
            {
                throw new ArgumentException($"Token {token} is not between 0 and {_embedding.Rows - 1}.", nameof(tokens));
            }
        }

        long rows = logits.Length / VocabularySize;
        return rows * VocabularySize == logits.Length && (rows <= 1 || rows == tokens.Length)
            ? (int)rows
            : throw new ArgumentException($"{logits.Length} logits are neither 0, {VocabularySize} nor {(long)tokens.Length * VocabularySize}.", nameof(logits));
    }

    private bool IsNextN(string tensor)
    {
        for (int block = _config.TrunkBlocks; block < _config.BlockCount; block++)
        {
            if (tensor.StartsWith($"blk.{block}.", StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Compares the vocabulary with the matrices; returns the rows that stand for no token.</summary>
    private static int[] CheckVocabulary(GgufFile file, int embeddingRows, int outputRows)
    {
        const string Tokens = "tokenizer.ggml.tokens";
        if (embeddingRows != outputRows)
        {
            throw new ModelLoadException($"has {outputRows} rows, token_embd.weight has {embeddingRows}; they must agree.", file.Path, -1, "tensor output.weight");
        }

        // Files without a tokenizer (for tests of the pass alone) mask nothing.
        int tokens = file.Metadata.GetStrings(Tokens)?.Length ?? outputRows;
        if (tokens > outputRows)
        {
            throw file.Metadata.Fault(Tokens, $"{tokens} tokens for {outputRows} rows of output.weight.");
        }

        const int Unused = 5;
        int[]? types = file.Metadata.GetInt32s("tokenizer.ggml.token_type");
        return [.. Enumerable.Range(0, outputRows).Where(id => id >= tokens || (types is not null && id < types.Length && types[id] == Unused))];
    }
}
