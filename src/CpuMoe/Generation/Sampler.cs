namespace CpuMoe.Generation;

/// <summary>
/// Chooses the next token from the logits: logit bias, penalties, then top-k, top-p, min-p, temperature (the default
/// order of llama.cpp: the probabilities of top-p and min-p are those before temperature), then a draw.
/// </summary>
/// <remarks>Equal logits, histories and seeds give equal tokens. Allocates nothing per token. Not safe for concurrent use.</remarks>
internal sealed class Sampler
{
    private readonly SamplerOptions _options;
    private readonly KeyValuePair<int, float>[] _bias;
    private readonly Penalties? _penalties;
    private readonly Candidate[] _scratch;
    private readonly Xoshiro256 _random;

    /// <summary>Checks the options and reserves the scratch for <paramref name="vocabularySize"/> logits.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option out of range.</exception>
    public Sampler(SamplerOptions options, int vocabularySize)
    {
        options.Validate(vocabularySize);
        _options = options;
        _bias = options.LogitBias is null ? [] : [.. options.LogitBias];
        _penalties = Penalties.Create(options, vocabularySize);
        int kept = options.TopK == 0 ? vocabularySize : Math.Min(options.TopK, vocabularySize);
        _scratch = options.Temperature == 0 ? [] : new Candidate[kept];
        _random = new Xoshiro256(options.Seed ?? (ulong)Random.Shared.NextInt64(long.MinValue, long.MaxValue));
    }

    /// <summary>Chooses a token.</summary>
    /// <param name="logits">One logit per token id; bias and penalties are applied in place.</param>
    /// <param name="history">The tokens of the sequence so far, prompt included, for the penalties.</param>
    /// <exception cref="InvalidOperationException">No logit is larger than -infinity.</exception>
    public int Sample(Span<float> logits, ReadOnlySpan<int> history)
    {
        foreach ((int id, float bias) in _bias)
        {
            logits[id] += bias;
        }

        _penalties?.Apply(logits, history);
        return _options.Temperature == 0 ? MostLikely(logits) : Draw(logits);
    }

    private static int MostLikely(ReadOnlySpan<float> logits)
    {
        int best = -1;
        float max = float.NegativeInfinity;
        for (int id = 0; id < logits.Length; id++)
        {
            if (logits[id] > max)
            {
                max = logits[id];
                best = id;
            }
        }

        return best >= 0 ? best : throw NothingToChoose();
    }

    private int Draw(ReadOnlySpan<float> logits)
    {
        Span<Candidate> candidates = TopK.Keep(logits, _scratch);
        candidates = TopP.Keep(candidates, _options.TopP);
        candidates = MinP.Keep(candidates, _options.MinP);
        if (candidates.IsEmpty)
        {
            throw NothingToChoose();
        }

        float max = Candidate.MaxLogit(candidates);
        double total = 0;
        foreach (Candidate candidate in candidates)
        {
            total += candidate.Weight(max, _options.Temperature);
        }

        double rest = _random.NextDouble() * total;
        int chosen = -1;
        foreach (Candidate candidate in candidates)
        {
            double weight = candidate.Weight(max, _options.Temperature);
            if (weight > 0)
            {
                chosen = candidate.Id; // Stays the last possible one where rounding leaves a rest.
                rest -= weight;
                if (rest < 0)
                {
                    break;
                }
            }
        }

        return chosen;
    }

    private static InvalidOperationException NothingToChoose() => new(
        "No token can be chosen: every logit is -infinity or NaN. Check the logit bias; without one, the model file is damaged.");
}
