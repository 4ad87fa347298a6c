using CpuMoe.Experts;
using CpuMoe.Testing;

namespace CpuMoe.Tests.Experts;

/// <summary>The analysis of traces against slow references.</summary>
public class ExpertTraceAnalysisTests
{
    [Fact]
    public void BeladyIsTheOptimumOfAllWaysToServeATrace()
    {
        Random random = new(5);
        int betterThanLru = 0;
        for (int run = 0; run < 400; run++)
        {
            int experts = random.Next(3, 6), layers = random.Next(1, 3);
            int used = random.Next(1, experts);
            ExpertTrace trace = ExpertTrace.Parse(ExpertTraces.Random(run, layers, experts, used, passes: random.Next(2, 9), withPrefill: random.Next(2) == 0));
            ExpertReplay replay = new(trace);
            int slots = random.Next(1, Math.Min(7, trace.TotalExperts) + 1);
            long misses = MissesOf(replay.Run(new ReplayedBelady(replay, slots), TestContext.Current.CancellationToken));

            Assert.Equal(FewestMisses(Requests(trace), slots), misses);
            betterThanLru += misses < MissesOf(replay.Run(new ReplayedLru(replay.KeyCount, slots), TestContext.Current.CancellationToken)) ? 1 : 0;
        }

        Assert.InRange(betterThanLru, 50, 399);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(17)]
    [InlineData(47)]
    [InlineData(48)]
    public void LruIsAListInTheOrderOfUse(int slots)
    {
        ExpertTrace trace = ExpertTrace.Parse(ExpertTraces.Random(7, passes: 300));
        ExpertReplay replay = new(trace);
        long misses = 0;
        List<int> byAge = [];
        foreach (int[] request in Requests(trace))
        {
            int[] resident = [.. request.Where(byAge.Contains)];
            int[] missing = [.. request.Except(resident)];
            byAge.RemoveAll(resident.Contains);
            byAge.AddRange(resident);
            foreach (int key in missing)
            {
                byAge.RemoveRange(0, byAge.Count == slots ? 1 : 0);
                byAge.Add(key);
                misses++;
            }
        }

        Assert.Equal(misses, MissesOf(replay.Run(new ReplayedLru(replay.KeyCount, slots), TestContext.Current.CancellationToken)));
    }

    [Fact]
    public void NoPolicyBeatsBeladyAndAllReadEveryExpertOnce()
    {
        ExpertTrace trace = ExpertTrace.Parse(ExpertTraces.Random(11, passes: 500));
        ExpertTraceAnalysis analysis = ExpertTraceAnalysis.Of(trace, [1, 3, 4, 8, 16, 32, 48, 1000], TestContext.Current.CancellationToken);

        Assert.Equal([1, 3, 4, 8, 16, 32, 48], analysis.Curve.Select(point => point.Slots));
        Assert.All(analysis.Curve, point =>
        {
            Assert.Equal(point.Slots * 3000L, point.Bytes);
            foreach (ExpertCacheResult result in (ExpertCacheResult[])[point.Lru, point.Shipped, point.Belady])
            {
                Assert.Equal(analysis.Accesses, result.DecodeHits + result.DecodeMisses + result.PrefillHits + result.PrefillMisses);
                Assert.InRange(result.HitRate, 0, point.Belady.HitRate);
                Assert.InRange(MissesOf(result), analysis.CompulsoryMisses, analysis.Accesses);
            }
        });
        ExpertCachePoint all = analysis.Curve[^1];
        Assert.All((ExpertCacheResult[])[all.Lru, all.Shipped, all.Belady], result => Assert.Equal(analysis.CompulsoryMisses, MissesOf(result)));
        Assert.All(analysis.Curve.Zip(analysis.Curve.Skip(1)), pair => Assert.True(pair.First.Belady.HitRate <= pair.Second.Belady.HitRate));
    }

    [Fact]
    public void TheShippedPolicyBeatsLruWhereExpertsDifferInPopularity()
    {
        ExpertTrace trace = ExpertTrace.Parse(ExpertTraces.Random(13, layers: 4, experts: 64, used: 4, passes: 600));
        ExpertCachePoint point = ExpertTraceAnalysis.Of(trace, [trace.TotalExperts / 2], TestContext.Current.CancellationToken).Curve[0];

        Assert.True(point.Shipped.DecodeHitRate > point.Lru.DecodeHitRate + 0.02, $"{point.Shipped.DecodeHitRate:P1} and {point.Lru.DecodeHitRate:P1}");
    }

    [Fact]
    public void UseIsCountedByExpertAndByToken()
    {
        ExpertTrace trace = ExpertTrace.Parse(ExpertTraces.OfPasses(6, 2, [0, 1], [1, 2], [1, 2], [3, 4]));
        ExpertTraceAnalysis analysis = ExpertTraceAnalysis.Of(trace, [2], TestContext.Current.CancellationToken);
        ExpertLayerUse layer = Assert.Single(analysis.Layers);

        Assert.Equal([1, 3, 2, 1, 1, 0], layer.Passes);
        Assert.Equal(5, layer.DistinctExperts);
        Assert.Equal(5.0 / 8, layer.ShareOfMostPopular(2));
        Assert.Equal(3.0 / 6, analysis.ConsecutiveOverlap);
        Assert.Equal((4, 4L, 0, 0L, 8L, 5), (analysis.DecodePasses, analysis.DecodeTokens, analysis.PrefillPasses, analysis.PrefillTokens, analysis.Accesses, analysis.CompulsoryMisses));

        // 2 slots hold what the last pass used: 1, then both, of 8.
        Assert.Equal(new ExpertCacheResult(3, 5, 500, 0, 0, 0), analysis.Curve[0].Lru);
        Assert.Equal(3.0 / 8, analysis.Curve[0].Lru.DecodeHitRate);
    }

    [Fact]
    public void OverlapIsOfDecodePassesThatFollowEachOther()
    {
        using MemoryStream stream = new();
        using (ExpertTraceWriter writer = new(stream, 4, 1, [new(0, 1), new(1, 1)]))
        {
            writer.Add(0, [1], 1, ExpertPassKind.Decode);
            writer.Add(1, [1], 1, ExpertPassKind.Decode);
            writer.Add(0, [1], 1, ExpertPassKind.Decode); // Compared: the same.
            writer.Add(0, [1, 2], 2, ExpertPassKind.Prefill);
            writer.Add(1, [1, 2], 2, ExpertPassKind.Prefill);
            writer.Add(0, [1], 1, ExpertPassKind.Decode);
            writer.Add(1, [1], 1, ExpertPassKind.Decode);
            writer.Add(0, [2], 1, ExpertPassKind.Decode); // Compared: another.
            writer.Add(1, [1], 1, ExpertPassKind.Decode); // Compared: the same.
        }

        ExpertTraceAnalysis analysis = ExpertTraceAnalysis.Of(ExpertTrace.Parse(stream.ToArray()), [4], TestContext.Current.CancellationToken);

        Assert.Equal([0.5, 1.0], analysis.Layers.Select(layer => layer.ConsecutiveOverlap));
        Assert.Equal(2.0 / 3, analysis.ConsecutiveOverlap);
        Assert.Equal(2, analysis.PrefillTokens);
    }

    [Fact]
    public void AnEmptyTraceHasNoRates()
    {
        ExpertTrace trace = ExpertTrace.Parse(ExpertTraces.OfPasses(4, 2));
        ExpertTraceAnalysis analysis = ExpertTraceAnalysis.Of(trace, [2], TestContext.Current.CancellationToken);

        Assert.Equal(double.NaN, analysis.ConsecutiveOverlap);
        Assert.Equal(double.NaN, analysis.Curve[0].Belady.HitRate);
        Assert.Equal(double.NaN, analysis.Layers[0].ShareOfMostPopular(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => ExpertTraceAnalysis.Of(trace, [0], TestContext.Current.CancellationToken));
    }

    private static long MissesOf(ExpertCacheResult result) => result.DecodeMisses + result.PrefillMisses;

    private static List<int[]> Requests(ExpertTrace trace)
    {
        List<int[]> requests = [];
        foreach (ExpertPass pass in trace.Passes)
        {
            foreach (ExpertRequest request in trace.RequestsOf(pass))
            {
                requests.Add([.. trace.ExpertsOf(request).ToArray().Select(expert => (request.Layer * trace.ExpertCount) + expert)]);
            }
        }

        return requests;
    }

    /// <summary>The fewest misses of all orders and evictions: every set of keys that a cache can hold is followed.</summary>
    private static int FewestMisses(List<int[]> requests, int slots)
    {
        Dictionary<int, int> states = new() { [0] = 0 };
        foreach (int[] request in requests)
        {
            Dictionary<int, int> next = [];
            foreach ((int held, int misses) in states)
            {
                int missing = request.Sum(key => 1 << key) & ~held;
                foreach (int after in Loaded(held, missing, slots))
                {
                    next[after] = Math.Min(next.GetValueOrDefault(after, int.MaxValue), misses + int.PopCount(missing));
                }
            }

            states = next;
        }

        return states.Values.Min();
    }

    /// <summary>What the cache can hold after the missing keys were loaded one after the other; sets of keys are bits.</summary>
    private static HashSet<int> Loaded(int held, int missing, int slots)
    {
        HashSet<(int Held, int Missing)> seen = [(held, missing)];
        Stack<(int Held, int Missing)> open = new(seen);
        HashSet<int> results = [];
        while (open.TryPop(out (int Held, int Missing) state))
        {
            if (state.Missing == 0)
            {
                results.Add(state.Held);
            }

            int[] victims = int.PopCount(state.Held) < slots ? [0] : [.. Bits(state.Held)];
            foreach (int key in Bits(state.Missing))
            {
                foreach (int victim in victims)
                {
                    (int Held, int Missing) after = ((state.Held & ~victim) | key, state.Missing & ~key);
                    if (seen.Add(after))
                    {
                        open.Push(after);
                    }
                }
            }
        }

        return results;
    }

    private static IEnumerable<int> Bits(int set) => Enumerable.Range(0, 31).Select(bit => 1 << bit).Where(bit => (set & bit) != 0);
}
