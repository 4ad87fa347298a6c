namespace CpuMoe.Tests.Generation;

/// <summary>The sampling steps as their definitions read: whole-vocabulary sorts and sums, no scratch, no heaps.</summary>
internal static class SamplerReference
{
    /// <summary>Ids by descending logit, equal logits by ascending id.</summary>
    public static List<int> TopK(float[] logits, int k) =>
        [.. Enumerable.Range(0, logits.Length)
            .Where(id => !float.IsNaN(logits[id]) && !float.IsNegativeInfinity(logits[id]))
            .OrderByDescending(id => logits[id])
            .ThenBy(id => id)
            .Take(k == 0 ? int.MaxValue : k)];

    public static List<int> TopP(float[] logits, List<int> sorted, double p)
    {
        double[] probabilities = Softmax(logits, sorted, 1);
        List<int> kept = [];
        double sum = 0;
        for (int i = 0; i < sorted.Count && (sum < p || p == 1); i++)
        {
            kept.Add(sorted[i]);
            sum += probabilities[i];
        }

        return kept;
    }

    public static List<int> MinP(float[] logits, List<int> sorted, double fraction)
    {
        double[] probabilities = Softmax(logits, sorted, 1);
        return [.. sorted.Where((_, i) => probabilities[i] >= fraction * probabilities[0])];
    }

    public static double[] Softmax(float[] logits, List<int> ids, double temperature)
    {
        double max = ids.Max(id => logits[id]);
        double[] weights = [.. ids.Select(id => Math.Exp((logits[id] - max) / temperature))];
        double total = weights.Sum();
        return [.. weights.Select(weight => weight / total)];
    }

    public static float[] Penalise(float[] logits, int[] history, int window, float repeat, float presence, float frequency)
    {
        int[] recent = window < 0 ? history : [.. history.TakeLast(window)];
        float[] result = [.. logits];
        foreach (IGrouping<int, int> token in recent.GroupBy(id => id))
        {
            float logit = logits[token.Key];
            logit = logit <= 0 ? logit * repeat : logit / repeat;
            result[token.Key] = logit - presence - (token.Count() * frequency);
        }

        return result;
    }
}
