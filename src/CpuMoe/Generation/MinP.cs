namespace CpuMoe.Generation;

/// <summary>Min-p (Nguyen et al. 2024, https://arxiv.org/abs/2407.01082).</summary>
internal static class MinP
{
    /// <summary>
    /// Keeps the candidates at least <paramref name="fraction"/> times as likely as the most likely one. Compares
    /// logits with <c>max + ln(fraction)</c>, which is the same and needs no exp per candidate.
    /// </summary>
    public static Span<Candidate> Keep(Span<Candidate> candidates, float fraction)
    {
        if (fraction <= 0)
        {
            return candidates;
        }

        double threshold = Candidate.MaxLogit(candidates) + Math.Log(fraction);
        int count = 0;
        foreach (Candidate candidate in candidates)
        {
            if (candidate.Logit >= threshold)
            {
                candidates[count++] = candidate;
            }
        }

        return candidates[..count];
    }
}
