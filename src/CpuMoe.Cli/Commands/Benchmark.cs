using CpuMoe.Diagnostics;
using CpuMoe.Generation;
using CpuMoe.Models;
using CpuMoe.Text;

namespace CpuMoe.Cli.Commands;

/// <summary>Times passes over a model the way llama-bench does: random tokens, no sampling, everything else untimed.</summary>
internal sealed class Benchmark : IDisposable
{
    // Tokens per pass while warming up, so that a slow model does not warm up for minutes.
    private const int WarmUpTokens = 16;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly Model _model;
    private readonly KvCache _cache;
    private readonly int[] _tokens;
    private readonly float[] _logits;
    private readonly int _depth;
    private readonly CancellationToken _cancellation;

    /// <param name="model">The model; its pages should be in memory.</param>
    /// <param name="depth">Tokens in the cache before each timed pass.</param>
    /// <param name="longest">The most tokens of a timed pass.</param>
    /// <param name="kvType">The format of the cache.</param>
    /// <param name="cancellation">Ends a measurement.</param>
    public Benchmark(LanguageModel model, int depth, int longest, KvType kvType, CancellationToken cancellation)
    {
        _model = model.Model;
        _depth = depth;
        _cancellation = cancellation;
        _cache = _model.CreateCache(depth + longest, kvType);
        _logits = new float[_model.VocabularySize];
        _tokens = RandomTokens(model.Tokenizer.Vocabulary, depth + longest, seed: 1);
        if (depth > 0)
        {
            _model.Forward(_tokens.AsSpan(0, depth), _cache, [], cancellation);
        }
    }

    /// <summary>Times evaluating <paramref name="tokens"/> at once, once for each repetition.</summary>
    public PassTimes Prefill(int tokens, int repetitions)
    {
        PassTimes times = new(tokens, repetitions, 1);
        BestTime.Of(() => EvaluatePrompt(tokens), Patience, _cancellation);
        for (int i = 0; i < repetitions; i++)
        {
            times.Start();
            EvaluatePrompt(tokens);
            times.Step();
            times.End();
        }

        return times;
    }

    /// <summary>Times evaluating <paramref name="tokens"/> one after the other, once for each repetition.</summary>
    /// <param name="tokens">Tokens per repetition.</param>
    /// <param name="repetitions">The number of repetitions.</param>
    /// <param name="allocatedBytes">Managed bytes that the whole process allocated meanwhile.</param>
    public PassTimes Decode(int tokens, int repetitions, out long allocatedBytes)
    {
        PassTimes times = new(tokens, repetitions, tokens);
        BestTime.Of(() => EvaluateEach(Math.Min(tokens, WarmUpTokens), null), Patience, _cancellation);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        for (int i = 0; i < repetitions; i++)
        {
            times.Start();
            EvaluateEach(tokens, times);
            times.End();
        }

        allocatedBytes = GC.GetTotalAllocatedBytes(precise: true) - before;
        return times;
    }

    public void Dispose() => _cache.Dispose();

    /// <summary>Ordinary tokens, the same for a seed in every run.</summary>
    /// <remarks>Random text spreads over the experts as real text does; one token repeated would not.</remarks>
    internal static int[] RandomTokens(Vocabulary vocabulary, int count, int seed)
    {
        Random random = new(seed);
        int[] ordinary = [.. Enumerable.Range(0, vocabulary.Count).Where(id => vocabulary.KindOf(id) == TokenKind.Normal)];
        int[] choice = ordinary.Length > 0 ? ordinary : [.. Enumerable.Range(0, vocabulary.Count)];
        int[] tokens = new int[count];
        for (int i = 0; i < count; i++)
        {
            tokens[i] = choice[random.Next(choice.Length)];
        }

        return tokens;
    }

    private void EvaluatePrompt(int tokens)
    {
        _cache.Truncate(_depth);
        _model.Forward(_tokens.AsSpan(_depth, tokens), _cache, _logits, _cancellation);
    }

    private void EvaluateEach(int tokens, PassTimes? times)
    {
        _cache.Truncate(_depth);
        for (int i = 0; i < tokens; i++)
        {
            _model.Forward(_tokens.AsSpan(_depth + i, 1), _cache, _logits, _cancellation);
            times?.Step();
        }
    }
}
