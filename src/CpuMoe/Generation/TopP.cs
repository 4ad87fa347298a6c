namespace CpuMoe.Generation;

/// <summary>Top-p, nucleus sampling (Holtzman et al. 2019, https://arxiv.org/abs/1904.09751).</summary>
internal static class TopP
{
    /// <summary>
    /// Keeps the smallest set of the most likely candidates whose probabilities, relative to all candidates given, sum
    /// to at least <paramref name="p"/>. Reorders <paramref name="candidates"/>; takes the best ones off a heap, as the
    /// nucleus is mostly a small part of them.
    /// </summary>
    public static Span<Candidate> Keep(Span<Candidate> candidates, float p)
    {
        if (p >= 1)
        {
            return candidates;
        }

        float max = Candidate.MaxLogit(candidates);
        double total = 0;
        foreach (Candidate candidate in candidates)
        {
            total += candidate.Weight(max);
        }

        CandidateHeap.Build<BestFirst>(candidates);
        double sum = 0;
        int rest = candidates.Length;
        while (rest > 0 && sum < p * total)
        {
            sum += candidates[0].Weight(max);
            CandidateHeap.MoveRootToEnd<BestFirst>(candidates[..rest]);
            rest--;
        }

        return candidates[rest..];
    }
}
