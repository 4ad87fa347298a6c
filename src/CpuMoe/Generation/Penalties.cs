namespace CpuMoe.Generation;

/// <summary>Makes recent tokens less likely.</summary>
/// <remarks>
/// For each token that occurs n > 0 times in the window: the repetition penalty r of CTRL (Keskar et al. 2019,
/// https://arxiv.org/abs/1909.05858), in the form that also works for negative logits (<c>logit / r</c> where
/// positive, else <c>logit * r</c>), then <c>logit - presence - n * frequency</c>.
/// </remarks>
internal sealed class Penalties
{
    private readonly SamplerOptions _options;
    private readonly int[] _counts;

    private Penalties(SamplerOptions options, int vocabularySize)
    {
        _options = options;
        _counts = new int[vocabularySize];
    }

    /// <summary>The penalties of <paramref name="options"/>, or null where they change nothing.</summary>
    public static Penalties? Create(SamplerOptions options, int vocabularySize) =>
        options is { RepeatPenalty: 1, PresencePenalty: 0, FrequencyPenalty: 0 } or { PenaltyWindow: 0 }
            ? null
            : new Penalties(options, vocabularySize);

    /// <summary>Changes the logits of the tokens in the window at the end of <paramref name="history"/>.</summary>
    public void Apply(Span<float> logits, ReadOnlySpan<int> history)
    {
        int length = _options.PenaltyWindow < 0 ? history.Length : Math.Min(_options.PenaltyWindow, history.Length);
        ReadOnlySpan<int> window = history[^length..];
        foreach (int id in window)
        {
            _counts[id]++;
        }

        foreach (int id in window)
        {
            int count = _counts[id];
            if (count == 0)
            {
                continue; // Seen at an earlier place of the window.
            }

            _counts[id] = 0;
            float logit = logits[id];
            logit = logit > 0 ? logit / _options.RepeatPenalty : logit * _options.RepeatPenalty;
            logits[id] = logit - _options.PresencePenalty - (count * _options.FrequencyPenalty);
        }
    }
}
