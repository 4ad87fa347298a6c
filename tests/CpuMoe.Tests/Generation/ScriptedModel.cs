using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Testing;
using CpuMoe.Text;

namespace CpuMoe.Tests.Generation;

/// <summary>
/// A model whose most likely next token is a function of all cached tokens, so that every mistake in what is cached
/// shows in what is generated. The tokens are kept in the caches as their keys. Counts what is evaluated.
/// </summary>
internal sealed unsafe class ScriptedModel : Model
{
    private const int KeyLength = 32;

    private readonly List<int> _cached = new(4096);
    private readonly float[] _key = new float[KeyLength];

    /// <summary>The tokenizer of the bundled model, whose ids this model speaks.</summary>
    public static Tokenizer Tokenizer { get; } = LoadTokenizer();

    /// <summary>The most likely token after the given ones.</summary>
    public Func<List<int>, int> Next { get; set; } = HashOf;

    /// <summary>Called at the start of each pass, before anything changes.</summary>
    public Action BeforePass { get; set; } = () => { };

    /// <summary>Logits beyond the vocabulary, all larger than any other.</summary>
    public int Padding { get; init; }

    /// <summary>The sequence evaluated last.</summary>
    public IReadOnlyList<int> Cached => _cached;

    public int EvaluatedTokens { get; private set; }

    public int Passes { get; private set; }

    /// <summary>The most sequences of a pass.</summary>
    public int LargestPass { get; private set; }

    public override string Architecture => "scripted";

    public override int VocabularySize => Tokenizer.Vocabulary.Count + Padding;

    public override int ContextLength => 10_000;

    public override int BatchSize => 512;

    public override int Threads => 1;

    public override IReadOnlyList<string> Warnings => [];

    public override KvCache CreateCache(int capacity, KvType type) => new(layers: 1, heads: 1, KeyLength, KeyLength, capacity, type);

    public override void Forward(ReadOnlySpan<int> tokens, ReadOnlySpan<SequenceSegment> segments, Span<float> logits, CancellationToken cancellationToken = default)
    {
        Passes++;
        LargestPass = Math.Max(LargestPass, segments.Length);
        BeforePass();
        cancellationToken.ThrowIfCancellationRequested();
        foreach (SequenceSegment segment in segments)
        {
            Evaluate(tokens[..segment.Tokens], segment.Cache, logits[..(segment.LogitRows * VocabularySize)]);
            tokens = tokens[segment.Tokens..];
            logits = logits[(segment.LogitRows * VocabularySize)..];
        }
    }

    public override void Dispose()
    {
    }

    private void Store(KvCache cache, int position, int token)
    {
        // In parts that every number format of a cache holds.
        (_key[0], _key[1]) = (token & 127, token >> 7);
        fixed (float* key = _key)
        {
            cache.Store(0, position, key, key);
        }
    }

    private int TokenAt(KvCache cache, int position)
    {
        fixed (float* key = _key)
        {
            cache.Format.Load(cache.View(0).Keys(0) + (position * cache.Format.VectorBytes(KeyLength)), key, KeyLength);
        }

        return (int)_key[0] + ((int)_key[1] << 7);
    }

    private void Evaluate(ReadOnlySpan<int> tokens, KvCache cache, Span<float> logits)
    {
        for (int i = 0; i < tokens.Length; i++)
        {
            Store(cache, cache.Length + i, tokens[i]);
        }

        cache.Append(tokens.Length);
        _cached.Clear();
        for (int position = 0; position < cache.Length; position++)
        {
            _cached.Add(TokenAt(cache, position));
        }

        EvaluatedTokens += tokens.Length;
        if (logits.IsEmpty)
        {
            return;
        }

        int next = Next(_cached);
        int count = Tokenizer.Vocabulary.Count;
        logits[..count].Fill(-5);
        logits[count..].Fill(100);
        logits[next] = 5;
        logits[(next + 1) % count] = 4;
    }

    /// <summary>Session options and a session on this model.</summary>
    public CpuMoe.Generation.Session CreateSession(int contextLength = 64) =>
        new(this, Tokenizer, new() { ContextLength = contextLength }, () => { });

    /// <summary>A visible token that depends on all the given ones and on their order.</summary>
    private static int HashOf(List<int> tokens)
    {
        uint hash = 2166136261;
        foreach (int token in tokens)
        {
            hash = (hash ^ (uint)token) * 16777619;
        }

        Vocabulary vocabulary = Tokenizer.Vocabulary;
        int id = (int)(hash % (uint)vocabulary.Count);
        while (vocabulary.KindOf(id) != TokenKind.Normal)
        {
            id = (id + 1) % vocabulary.Count;
        }

        return id;
    }

    private static Tokenizer LoadTokenizer()
    {
        using GgufFile file = GgufFile.Open(TestData.DemoModel);
        return Tokenizer.FromGguf(file.Metadata);
    }
}
