namespace CpuMoe.Generation;

/// <summary>A token that may be chosen.</summary>
internal readonly record struct Candidate(int Id, float Logit)
{
    /// <summary>The total order of candidates: the larger logit first, the lower id first among equals.</summary>
    public bool IsBefore(Candidate other) => Logit > other.Logit || (Logit == other.Logit && Id < other.Id);

    /// <summary>The largest logit; -infinity of nothing.</summary>
    public static float MaxLogit(ReadOnlySpan<Candidate> candidates)
    {
        float max = float.NegativeInfinity;
        foreach (Candidate candidate in candidates)
        {
            max = MathF.Max(max, candidate.Logit);
        }

        return max;
    }

    /// <summary>
    /// The probability relative to that of the most likely candidate, <c>exp((logit - max) / temperature)</c>.
    /// In double precision, so that differences between the exp of one machine and another decide no draw in practice.
    /// </summary>
    public double Weight(float max, float temperature = 1) =>
        Logit == max ? 1 : Math.Exp(((double)Logit - max) / temperature); // The test also keeps +infinity - +infinity out.
}
