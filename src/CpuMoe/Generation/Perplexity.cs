using System.Numerics.Tensors;
using CpuMoe.Models;
using CpuMoe.Text;

namespace CpuMoe.Generation;

/// <summary>How a perplexity is measured.</summary>
public sealed record PerplexityOptions
{
    /// <summary>The smallest chunk in which a token is scored.</summary>
    public const int SmallestContext = 3;

    /// <summary>Tokens per chunk, <see cref="SmallestContext"/> up to the context length of the model.</summary>
    public int ContextLength { get; init; } = 512;

    /// <summary>The number format of the KV cache.</summary>
    public KvType KvType { get; init; } = KvType.F16;

    /// <summary>The id put in the place of the first token of every chunk, or -1 to leave it.</summary>
    public int ChunkStart { get; init; } = -1;
}

/// <summary>A perplexity.</summary>
/// <param name="Value">exp of the mean negative log-likelihood of the scored tokens.</param>
/// <param name="StandardError">The standard error of the mean, carried over to <paramref name="Value"/>; 0 below two tokens.</param>
/// <param name="Tokens">The number of scored tokens.</param>
/// <param name="Chunks">The number of chunks they lie in.</param>
public readonly record struct PerplexityResult(double Value, double StandardError, int Tokens, int Chunks);

/// <summary>Sees the logits of scored positions, in order.</summary>
/// <param name="soFar">The perplexity up to and with these positions.</param>
/// <param name="logits">[positions * VocabularySize], valid during the call only.</param>
public delegate void PerplexityObserver(PerplexityResult soFar, ReadOnlySpan<float> logits);

/// <summary>
/// Measures how well a model predicts a text, by the protocol of llama-perplexity, so that values can be compared:
/// the tokens are cut into chunks of n, a rest is dropped; each chunk is evaluated from an empty cache; only the tokens
/// after position n/2 are scored, for they have a context of at least n/2.
/// </summary>
public static class Perplexity
{
    // Bounds the logits held at a time (32 MB): 55 positions of GLM-4.5's vocabulary.
    private const int LogitsPerPass = 1 << 23;

    /// <summary>Encodes a text as the protocol wants it: special tokens are plain text, with a BOS if the model adds one.</summary>
    public static int[] Encode(Tokenizer tokenizer, string text)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        int[] tokens = tokenizer.Encode(text, parseSpecial: false);
        return tokenizer.Vocabulary.AddBos ? [tokenizer.Vocabulary.Bos, .. tokens] : tokens;
    }

    /// <summary>The options with <see cref="PerplexityOptions.ChunkStart"/> as the protocol wants it: the BOS if the model adds one.</summary>
    public static PerplexityOptions ForTokenizer(this PerplexityOptions options, Tokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(tokenizer);
        return options with { ChunkStart = tokenizer.Vocabulary.AddBos ? tokenizer.Vocabulary.Bos : -1 };
    }

    /// <summary>Measures the perplexity of <paramref name="tokens"/>.</summary>
    /// <exception cref="ArgumentException">Fewer tokens than one chunk, or a chunk that the model cannot hold.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static PerplexityResult Evaluate(
        Model model, ReadOnlySpan<int> tokens, PerplexityOptions? options = null, PerplexityObserver? observer = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new PerplexityOptions();
        int length = options.ContextLength;
        if (length < PerplexityOptions.SmallestContext || length > model.ContextLength)
        {
            throw new ArgumentException($"A chunk of {length} tokens is not within {PerplexityOptions.SmallestContext} and the {model.ContextLength} tokens of the model.", nameof(options));
        }

        if (tokens.Length < length)
        {
            throw new ArgumentException($"The text has {tokens.Length} tokens, fewer than one chunk of {length}.", nameof(tokens));
        }

        using KvCache cache = model.CreateCache(length, options.KvType);
        int positionsPerPass = Math.Clamp(LogitsPerPass / model.VocabularySize, 1, length);
        float[] logits = new float[positionsPerPass * model.VocabularySize];
        int[] chunk = new int[length];
        LogLikelihood sum = new();
        int first = length / 2;
        for (int start = 0; start + length <= tokens.Length; start += length)
        {
            tokens.Slice(start, length).CopyTo(chunk);
            if (options.ChunkStart >= 0)
            {
                chunk[0] = options.ChunkStart;
            }

            cache.Truncate(0);
            model.Forward(chunk.AsSpan(0, first), cache, [], cancellationToken);
            for (int position = first; position < length - 1; position += positionsPerPass)
            {
                int count = Math.Min(positionsPerPass, length - 1 - position);
                Span<float> rows = logits.AsSpan(0, count * model.VocabularySize);
                model.Forward(chunk.AsSpan(position, count), cache, rows, cancellationToken);
                for (int i = 0; i < count; i++)
                {
                    sum.Add(NegativeLogLikelihood(rows.Slice(i * model.VocabularySize, model.VocabularySize), chunk[position + i + 1]));
                }

                observer?.Invoke(sum.ToResult(start / length + 1), rows);
            }
        }

        return sum.ToResult(tokens.Length / length);
    }

    /// <summary>-log softmax(logits)[token], in double precision.</summary>
    private static double NegativeLogLikelihood(ReadOnlySpan<float> logits, int token)
    {
        double max = TensorPrimitives.Max(logits);
        double sum = 0;
        foreach (float logit in logits)
        {
            sum += Math.Exp(logit - max);
        }

        return Math.Log(sum) + max - logits[token];
    }

    /// <summary>Running mean and variance (Welford) of negative log-likelihoods.</summary>
    private struct LogLikelihood
    {
        private int _count;
        private double _mean;
        private double _squares;

        public void Add(double value)
        {
            _count++;
            double delta = value - _mean;
            _mean += delta / _count;
            _squares += delta * (value - _mean);
        }

        public readonly PerplexityResult ToResult(int chunks)
        {
            double perplexity = Math.Exp(_mean);
            double error = _count < 2 ? 0 : Math.Sqrt(_squares / _count / (_count - 1));
            return new PerplexityResult(perplexity, error * perplexity, _count, chunks);
        }
    }
}
