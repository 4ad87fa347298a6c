using CpuMoe.Experts;

namespace CpuMoe.Testing;

/// <summary>Traces of expert use.</summary>
public static class ExpertTraces
{
    /// <summary>A seeded trace: passes of one token, and one prefill every 20 passes, with popular and unpopular experts.</summary>
    public static byte[] Random(int seed, int layers = 3, int experts = 16, int used = 4, int passes = 200, bool withPrefill = true)
    {
        Random random = new(seed);
        using MemoryStream stream = new();
        using (ExpertTraceWriter writer = new(stream, experts, used, [.. Enumerable.Range(0, layers).Select(i => new ExpertTraceLayer(i + 1, 1000 * (i + 1)))]))
        {
            for (int pass = 0; pass < passes; pass++)
            {
                bool prefill = withPrefill && pass % 20 == 0;
                int tokens = prefill ? random.Next(1, 9) : 1;
                for (int layer = 0; layer < layers; layer++)
                {
                    SortedSet<int> chosen = [];
                    while (chosen.Count < Math.Min(tokens * used, experts))
                    {
                        chosen.Add(Math.Min(random.Next(experts), random.Next(experts)));
                    }

                    writer.Add(layer, [.. chosen], tokens, prefill ? ExpertPassKind.Prefill : ExpertPassKind.Decode);
                }
            }
        }

        return stream.ToArray();
    }

    /// <summary>A trace of decode passes of one layer, each given as its experts.</summary>
    public static byte[] OfPasses(int experts, int used, params int[][] passes)
    {
        using MemoryStream stream = new();
        using (ExpertTraceWriter writer = new(stream, experts, used, [new ExpertTraceLayer(0, 100)]))
        {
            foreach (int[] pass in passes)
            {
                writer.Add(0, pass, 1, ExpertPassKind.Decode);
            }
        }

        return stream.ToArray();
    }
}
