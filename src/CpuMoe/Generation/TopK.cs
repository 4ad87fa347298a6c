namespace CpuMoe.Generation;

/// <summary>Top-k: keeps the k tokens with the largest logits.</summary>
internal static class TopK
{
    /// <summary>
    /// Collects the best tokens in no particular order, at most as many as <paramref name="scratch"/> holds; NaN and
    /// -infinity are never among them. One pass with a heap whose root is the worst token kept, so that almost every
    /// logit costs one comparison.
    /// </summary>
    /// <returns>The kept part of <paramref name="scratch"/>, empty where no logit can be chosen.</returns>
    public static Span<Candidate> Keep(ReadOnlySpan<float> logits, Span<Candidate> scratch)
    {
        int count = 0;
        int id = 0;
        for (; id < logits.Length && count < scratch.Length; id++)
        {
            if (logits[id] > float.NegativeInfinity)
            {
                scratch[count++] = new Candidate(id, logits[id]);
            }
        }

        Span<Candidate> kept = scratch[..count];
        if (id == logits.Length)
        {
            return kept;
        }

        CandidateHeap.Build<WorstFirst>(kept);
        for (; id < logits.Length; id++)
        {
            // An equal logit loses: its id is higher.
            if (logits[id] > kept[0].Logit)
            {
                CandidateHeap.ReplaceRoot<WorstFirst>(kept, new Candidate(id, logits[id]));
            }
        }

        return kept;
    }
}
