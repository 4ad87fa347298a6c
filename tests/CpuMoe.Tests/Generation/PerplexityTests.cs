using CpuMoe.Generation;
using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Testing;
using CpuMoe.Text;

namespace CpuMoe.Tests.Generation;

/// <summary>The protocol of <see cref="Perplexity"/>, on a model whose logits depend on the last token alone.</summary>
public class PerplexityTests
{
    private static readonly int[] Tokens = [.. Enumerable.Range(0, 1000).Select(i => i * i % 97 % BigramModel.Vocabulary)];

    [Fact]
    public void A_model_that_knows_nothing_has_a_perplexity_of_its_vocabulary()
    {
        PerplexityResult result = Perplexity.Evaluate(new BigramModel { IsUniform = true }, Tokens, new() { ContextLength = 100 });

        Assert.Equal(BigramModel.Vocabulary, result.Value, 1e-9);
        Assert.Equal(0, result.StandardError, 1e-9);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(67)]
    [InlineData(300)]
    [InlineData(1000)]
    public void Scores_the_tokens_after_the_middle_of_each_chunk(int length)
    {
        List<double> losses = [];
        for (int start = 0; start + length <= Tokens.Length; start += length)
        {
            for (int i = length / 2; i <= length - 2; i++)
            {
                losses.Add(BigramModel.Loss(Tokens[start + i], Tokens[start + i + 1]));
            }
        }

        BigramModel model = new();
        PerplexityResult result = Perplexity.Evaluate(model, Tokens, new() { ContextLength = length });

        double mean = losses.Average();
        Assert.Equal(Tokens.Length / length, result.Chunks);
        Assert.Equal(losses.Count, result.Tokens);
        Assert.Equal(Math.Exp(mean), result.Value, 1e-6);
        double error = losses.Count < 2 ? 0 : Math.Sqrt(losses.Average(loss => (loss - mean) * (loss - mean)) / (losses.Count - 1)) * Math.Exp(mean);
        Assert.Equal(error, result.StandardError, 1e-6);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(5)]
    public void Each_chunk_is_evaluated_once_from_an_empty_cache(int chunkStart)
    {
        BigramModel model = new();
        Perplexity.Evaluate(model, Tokens, new() { ContextLength = 300, ChunkStart = chunkStart });

        Assert.Equal(3, model.Sequences.Count);
        for (int chunk = 0; chunk < 3; chunk++)
        {
            // The last token is only ever a target.
            int[] expected = Tokens[(chunk * 300)..(chunk * 300 + 299)];
            expected[0] = chunkStart < 0 ? expected[0] : chunkStart;
            Assert.Equal(expected, model.Sequences[chunk]);
        }
    }

    [Fact]
    public void The_observer_sees_every_scored_position_in_order()
    {
        List<float> seen = [];
        PerplexityResult last = default;
        PerplexityResult result = Perplexity.Evaluate(new BigramModel(), Tokens, new() { ContextLength = 200 }, (soFar, logits) =>
        {
            last = soFar;
            seen.AddRange(logits);
        });

        Assert.Equal(result, last);
        int[] scored = [.. Enumerable.Range(0, 5).SelectMany(chunk => Enumerable.Range(chunk * 200 + 100, 99))];
        Assert.Equal(scored.SelectMany(position => BigramModel.Logits(Tokens[position])), seen);
    }

    [Fact]
    public void Refuses_what_it_cannot_measure()
    {
        BigramModel model = new();

        Assert.Contains("999 tokens, fewer than one chunk of 1000", Assert.Throws<ArgumentException>(() => Perplexity.Evaluate(model, Tokens.AsSpan(0, 999), new() { ContextLength = 1000 })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Perplexity.Evaluate(model, Tokens, new() { ContextLength = 2 }));
        Assert.Throws<ArgumentException>(() => Perplexity.Evaluate(model, Tokens, new() { ContextLength = model.ContextLength + 1 }));
        Assert.Throws<OperationCanceledException>(() => Perplexity.Evaluate(model, Tokens, cancellationToken: new CancellationToken(canceled: true)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_beginning_of_sequence_is_used_only_where_the_model_adds_one(bool adds)
    {
        using GgufFile file = GgufFile.Open(TestData.DemoModel);
        const string Key = "tokenizer.ggml.add_bos_token";
        Tokenizer tokenizer = Tokenizer.FromGguf(new GgufMetadata([.. file.Metadata.Entries.Where(entry => entry.Key != Key), new GgufEntry(Key, adds)]));
        int[] plain = tokenizer.Encode("<|user|> says", parseSpecial: false);

        Assert.Equal(adds ? [tokenizer.Vocabulary.Bos, .. plain] : plain, Perplexity.Encode(tokenizer, "<|user|> says"));
        Assert.Equal(adds ? tokenizer.Vocabulary.Bos : -1, new PerplexityOptions().ForTokenizer(tokenizer).ChunkStart);
    }

    private sealed class BigramModel : Model
    {
        public const int Vocabulary = 11;

        public bool IsUniform { get; init; }

        /// <summary>The tokens evaluated since each time the cache was empty.</summary>
        public List<List<int>> Sequences { get; } = [];

        public override string Architecture => "bigram";

        public override int VocabularySize => Vocabulary;

        public override int ContextLength => 2000;

        public override int BatchSize => 512;

        public override int Threads => 1;

        public override IReadOnlyList<string> Warnings => [];

        public static float[] Logits(int token) => [.. Enumerable.Range(0, Vocabulary).Select(i => (token * 7 + i * 5) % 13 - 6f)];

        public static double Loss(int token, int next)
        {
            float[] logits = Logits(token);
            return -Math.Log(Math.Exp(logits[next]) / logits.Sum(logit => Math.Exp(logit)));
        }

        public override KvCache CreateCache(int capacity, KvType type) => new(layers: 1, heads: 1, keyLength: 32, valueLength: 32, capacity, type);

        public override void Forward(ReadOnlySpan<int> tokens, ReadOnlySpan<SequenceSegment> segments, Span<float> logits, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            KvCache cache = segments[0].Cache;
            if (cache.Length == 0)
            {
                Sequences.Add([]);
            }

            cache.Append(tokens.Length);
            Sequences[^1].AddRange(tokens);
            for (int i = 0; i < logits.Length / Vocabulary; i++)
            {
                float[] row = IsUniform ? new float[Vocabulary] : Logits(tokens[tokens.Length - logits.Length / Vocabulary + i]);
                row.CopyTo(logits[(i * Vocabulary)..]);
            }
        }

        public override void Dispose()
        {
        }
    }
}
