using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Testing;
using CpuMoe.Text;

namespace CpuMoe.Tests.Generation;

/// <summary>
/// A model whose most likely next token is a function of all cached tokens, so that every mistake in what is cached
/// shows in what is generated. Counts what is evaluated.
/// </summary>
internal sealed class ScriptedModel : Model
{
    private readonly List<int> _cached = new(4096);

    /// <summary>The tokenizer of the bundled model, whose ids this model speaks.</summary>
    public static Tokenizer Tokenizer { get; } = LoadTokenizer();

    /// <summary>The most likely token after the given ones.</summary>
    public Func<List<int>, int> Next { get; set; } = HashOf;

    /// <summary>Called at the start of each pass, before anything changes.</summary>
    public Action BeforePass { get; set; } = () => { };

    /// <summary>Logits beyond the vocabulary, all larger than any other.</summary>
    public int Padding { get; init; }

    /// <summary>The tokens this model has seen for its (only) cache, including such as were truncated since.</summary>
    public IReadOnlyList<int> Cached => _cached;

    public int EvaluatedTokens { get; private set; }

    public override string Architecture => "scripted";

    public override int VocabularySize => Tokenizer.Vocabulary.Count + Padding;

    public override int ContextLength => 10_000;

    public override int Threads => 1;

    public override IReadOnlyList<string> Warnings => [];

    public override KvCache CreateCache(int capacity, KvType type) => new(layers: 1, heads: 1, keyLength: 32, valueLength: 32, capacity, type);

    public override void Forward(ReadOnlySpan<int> tokens, KvCache cache, Span<float> logits, CancellationToken cancellationToken = default)
    {
        BeforePass();
        cancellationToken.ThrowIfCancellationRequested();
        cache.Append(tokens.Length);
        _cached.RemoveRange(cache.Length - tokens.Length, _cached.Count - (cache.Length - tokens.Length));
        foreach (int token in tokens)
        {
            _cached.Add(token);
        }

        EvaluatedTokens += tokens.Length;
        int next = Next(_cached);
        int count = Tokenizer.Vocabulary.Count;
        logits[..count].Fill(-5);
        logits[count..].Fill(100);
        logits[next] = 5;
        logits[(next + 1) % count] = 4;
    }

    public override void Dispose()
    {
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
