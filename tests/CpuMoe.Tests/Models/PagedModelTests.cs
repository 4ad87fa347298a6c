using CpuMoe.Experts;
using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Testing;
using CpuMoe.Tests.Experts;
using CpuMoe.Tests.Gguf;

namespace CpuMoe.Tests.Models;

/// <summary>Where experts come from must not show, whatever happens to the disk.</summary>
public class PagedModelTests
{
    private static readonly TinyGlm Shape = new()
    {
        TrunkBlocks = 5,
        Experts = 24,
        ExpertsUsed = 3,
        DenseType = GgmlType.Q8_0,
        ExpertType = GgmlType.Q4_0,
        DownType = GgmlType.Q5_1,
        VocabularyType = GgmlType.Q8_0,
    };

    private static readonly long SlotBytes = 3 * 2 * 4096;

    public static TheoryData<int> Slots => [5, 6, 9, 17, 24, 40, 96, 200];

    [Theory]
    [MemberData(nameof(Slots))]
    public void LogitsAreTheSameToTheLastBitWithAnyBudget(int slots)
    {
        using var open = new OpenModel(Shape, Mapped);
        using Model paged = open.LoadAgain(Paged(slots));
        Assert.Equal(Run(open.Model, seed: 1), Run(paged, seed: 1));
        Assert.Equal(Run(open.Model, seed: 2), Run(paged, seed: 2));
        ExpertStatistics statistics = paged.ExpertStatistics!;
        Assert.Equal(Math.Min(slots, 96), statistics.Slots);
        Assert.Equal(96, statistics.Experts);
        Assert.True(statistics.Misses.All(count => count > 0));
        Assert.InRange(statistics.HitRate, 0, 1);
        if (slots >= 96)
        {
            Assert.InRange(statistics.Misses.Sum(), 1, 96);
        }

        Assert.Null(open.Model.ExpertStatistics);
    }

    [Fact]
    public void FusedStacksAndTiedHeadsArePagedAsWell()
    {
        TinyGlm shape = Shape with { FusedGateUp = true, TiedOutput = true };
        using var open = new OpenModel(shape, Mapped);
        using Model paged = open.LoadAgain(Paged(7));
        Assert.Equal(Run(open.Model, 3), Run(paged, 3));
    }

    [Theory]
    [InlineData("Q4_K_M")]
    [InlineData("Q2_K")]
    public void ExpertsOfSeveralSizesArePagedInPoolsOfTheirOwn(string name)
    {
        using GgufFile file = GgufFile.Open(TestData.DemoModelOf(name));
        using Model mapped = Model.Load(file, Mapped);
        using Model paged = Model.Load(file, Mapped with { ExpertCacheBytes = 4 << 20 });
        int[] tokens = ModelExtensions.RandomTokens(40, most: 1000);
        Assert.Equal(mapped.AllLogits(tokens), paged.AllLogits(tokens));
        Assert.InRange(paged.ExpertStatistics!.Slots, 1, paged.ExpertStatistics.Experts - 1);
    }

    [Fact]
    public void ADiskThatFailsNowAndThenChangesNothing()
    {
        using var open = new OpenModel(Shape, Mapped);
        var random = new Random(5);
        HashSet<long> failed = [];
        FaultyReader? reader = null;
        using Model paged = open.LoadAgain(Paged(6, file => reader = new FaultyReader(FileReader.Open(file))));
        reader!.BeforeRead = read =>
        {
            lock (random)
            {
                // Not twice in a row at one place: so many failures are those of a disk that is gone.
                if (random.Next(20) == 0 && failed.Add(read.Offset))
                {
                    throw new IOException("Input/output error");
                }

                failed.Remove(read.Offset);
                return random.Next(3) == 0 ? 4096 : int.MaxValue;
            }
        };
        Assert.Equal(Run(open.Model, 1), Run(paged, 1));
    }

    [Fact]
    public void ADiskThatFailsForGoodFailsTheRequestAndNothingElse()
    {
        using var open = new OpenModel(Shape, Mapped);
        FaultyReader? reader = null;
        using Model paged = open.LoadAgain(Paged(6, file => reader = new FaultyReader(FileReader.Open(file))));
        int[] tokens = ModelExtensions.RandomTokens(30);
        using KvCache expected = open.Model.CreateCache(40, KvType.F16);
        using KvCache cache = paged.CreateCache(40, KvType.F16);
        Assert.Equal(open.Model.Append(expected, tokens), paged.Append(cache, tokens));
        for (int turn = 0; turn < 3; turn++)
        {
            reader!.BeforeRead = turn switch
            {
                0 => _ => throw new IOException("Input/output error"),
                1 => _ => 0, // The file was cut.
                _ => read => read.Number % 2 == 0 ? throw new IOException("Input/output error") : 100,
            };
            var fault = Assert.Throws<ExpertReadException>(() => paged.Append(cache, ModelExtensions.RandomTokens(5, seed: 9)));
            Assert.Contains("_exps.weight at byte", fault.Message, StringComparison.Ordinal);
            Assert.Equal(30, cache.Length);
            reader.BeforeRead = null;
            Assert.Equal(open.Model.Append(expected, tokens[turn]), paged.Append(cache, tokens[turn]));
            expected.Truncate(30);
            cache.Truncate(30);
        }
    }

    [Fact]
    public void ASlowDiskChangesNothing()
    {
        using var open = new OpenModel(Shape, Mapped);
        var random = new Random(8);
        FaultyReader? reader = null;
        using Model paged = open.LoadAgain(Paged(6, file => reader = new FaultyReader(FileReader.Open(file))));
        reader!.BeforeRead = _ =>
        {
            int wait;
            lock (random)
            {
                // Most come in another order than they were asked for, a few long after the others.
                wait = random.Next(50) == 0 ? 20 : random.Next(2);
            }

            Thread.Sleep(wait);
            return int.MaxValue;
        };
        Assert.Equal(Run(open.Model, 1), Run(paged, 1));
        Assert.True(paged.ExpertStatistics!.Stalled > TimeSpan.Zero);
    }

    [Fact]
    public void AFileThatIsCutUnderARunningModelFailsTheRequestsThatNeedTheRest()
    {
        using var folder = new TempFolder();
        string path = folder.PathOf("cut.gguf");
        Shape.Build().Write(path);
        byte[] whole = File.ReadAllBytes(path);
        using GgufFile file = GgufFile.Open(path);
        using Model mapped = Model.Load(file, Mapped);
        int[] prompt = ModelExtensions.RandomTokens(30);
        int[] next = ModelExtensions.RandomTokens(5, seed: 9);
        using KvCache expectedCache = mapped.CreateCache(40, KvType.F16);
        float[] expectedPrompt = mapped.Append(expectedCache, prompt);
        float[] expectedNext = mapped.Append(expectedCache, next);

        using Model paged = Model.Load(file, Paged(6));
        using KvCache cache = paged.CreateCache(40, KvType.F16);
        Assert.Equal(expectedPrompt, paged.Append(cache, prompt));
        long firstExpert = file.Tensors.Where(tensor => tensor.Name.Contains("_exps.", StringComparison.Ordinal))
            .Min(tensor => tensor.FileOffset);
        using (var writer = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            writer.SetLength(firstExpert);
            var fault = Assert.Throws<ExpertReadException>(() => paged.Append(cache, next));
            Assert.Contains("_exps.weight at byte", fault.Message, StringComparison.Ordinal);
            Assert.Equal(30, cache.Length);
            writer.Write(whole);
        }

        Assert.Equal(expectedNext, paged.Append(cache, next));
    }

    [Fact]
    public void AThousandRandomStepsAreCancelledAndResumed()
    {
        using var open = new OpenModel(Shape, Mapped);
        var random = new Random(3);
        FaultyReader? reader = null;
        using Model paged = open.LoadAgain(Paged(6, file => reader = new FaultyReader(FileReader.Open(file))));
        using KvCache cache = paged.CreateCache(16, KvType.F16), expectedCache = open.Model.CreateCache(16, KvType.F16);
        float[] logits = new float[paged.VocabularySize], expected = new float[paged.VocabularySize];
        int cancelled = 0;
        for (int step = 0; step < 1000; step++)
        {
            using var cancellation = new CancellationTokenSource();
            int cancelAt = reader!.Reads + random.Next(150);
            reader.BeforeRead = read =>
            {
                if (read.Number == cancelAt)
                {
                    cancellation.Cancel();
                }

                return int.MaxValue;
            };
            int[] tokens = ModelExtensions.RandomTokens(random.Next(1, 4), seed: step);
            int length = cache.Length;
            try
            {
                paged.Forward(tokens, cache, logits, cancellation.Token);
            }
            catch (OperationCanceledException)
            {
                cancelled++;
                Assert.Equal(length, cache.Length);
                reader.BeforeRead = null;
                paged.Forward(tokens, cache, logits, CancellationToken.None);
            }

            reader.BeforeRead = null;
            open.Model.Forward(tokens, expectedCache, expected, CancellationToken.None);
            Assert.Equal(expected, logits);
            if (cache.Length > 12)
            {
                cache.Truncate(random.Next(4));
                expectedCache.Truncate(cache.Length);
            }
        }

        Assert.InRange(cancelled, 100, 999);
        Assert.Equal(Run(open.Model, 1), Run(paged, 1));
    }

    [Fact]
    public void ABudgetThatIsTooSmallNamesTheSmallestThatWorks()
    {
        using var open = new OpenModel(Shape, Mapped);
        var fault = Assert.Throws<MemoryBudgetException>(() => open.LoadAgain(Mapped with { MemoryBudget = MemoryBudget.Of(1 << 20) }));
        Assert.Contains("do not fit in 1 MiB; the smallest memory budget that works is", fault.Message, StringComparison.Ordinal);

        // The process may have grown since.
        using Model model = open.LoadAgain(Mapped with { MemoryBudget = MemoryBudget.Of(fault.SmallestBudget + (64 << 20)) });
        Assert.Equal(Run(open.Model, 1), Run(model, 1));
    }

    [Fact]
    public void CachesBesideAMappedModelStayInTheBudget()
    {
        using var open = new OpenModel(Shape, Mapped);
        long budget = Environment.WorkingSet + (256 << 20);
        using Model model = open.LoadAgain(Mapped with { MemoryBudget = MemoryBudget.Of(budget) });
        Assert.Null(model.ExpertStatistics);
        const int TooMany = 1 << 30;
        long bytesPerToken;
        using (KvCache small = model.CreateCache(1024, KvType.F16))
        {
            bytesPerToken = small.ByteCount / 1024;
        }

        long spare = (TooMany * bytesPerToken) - (Refusal(TooMany).SmallestBudget - budget);
        int most = (int)(spare / bytesPerToken);
        Assert.InRange(most, 10, TooMany - 1);
        int part = most * 2 / 3;
        using (model.CreateCache(part, KvType.F16))
        {
            var fault = Refusal(part);
            Assert.Equal(budget + (2 * part * bytesPerToken) - spare, fault.SmallestBudget);
        }

        using KvCache again = model.CreateCache(part, KvType.F16);
        Refusal(part);

        MemoryBudgetException Refusal(int tokens) => Assert.Throws<MemoryBudgetException>(() => model.CreateCache(tokens, KvType.F16));
    }

    [Fact]
    public void WhatPassesAskForIsTraced()
    {
        using var folder = new TempFolder();
        using var open = new OpenModel(Shape, Mapped);
        int[] tokens = ModelExtensions.RandomTokens(20);
        foreach (ModelOptions options in (ModelOptions[])[Mapped, Paged(9)])
        {
            using (Model model = open.LoadAgain(options with { ExpertTraceFile = folder.PathOf("trace") }))
            {
                Assert.Equal(open.Model.AllLogits(tokens, KvType.F16), model.AllLogits(tokens, KvType.F16));
            }

            ExpertTrace trace = ExpertTrace.Read(folder.PathOf("trace"));
            Assert.Equal([1, 2, 3, 4], trace.Layers.Select(layer => layer.Block));
            Assert.Equal(20, Assert.Single(trace.Passes.ToArray()).Tokens);
        }
    }

    [Fact]
    public async Task TwoSessionsShareTheExperts()
    {
        using var open = new OpenModel(Shape, Mapped);
        using Model paged = open.LoadAgain(Paged(20));
        float[] expected1 = Run(open.Model, 1);
        float[] expected2 = Run(open.Model, 2);
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        float[][] actual = await Task.WhenAll(Task.Run(() => Run(paged, 1), cancellation), Task.Run(() => Run(paged, 2), cancellation));
        Assert.Equal(expected1, actual[0]);
        Assert.Equal(expected2, actual[1]);
    }

    private static ModelOptions Mapped => new() { Threads = 2, BatchSize = 32, MemoryBudget = MemoryBudget.Unlimited };

    private static ModelOptions Paged(int slots, Func<GgufFile, IWeightReader>? reader = null) =>
        new() { Threads = 2, BatchSize = 32, ExpertCacheBytes = slots * SlotBytes, OpenReader = reader };

    /// <summary>Logits of a prompt of several batches, of single tokens and of a short batch behind it.</summary>
    private static float[] Run(Model model, int seed)
    {
        int[] tokens = ModelExtensions.RandomTokens(90, seed);
        using KvCache cache = model.CreateCache(tokens.Length, KvType.F16);
        List<float> logits = [.. model.Append(cache, tokens.AsSpan(..70))];
        for (int i = 70; i < 87; i++)
        {
            logits.AddRange(model.Append(cache, tokens[i]));
        }

        logits.AddRange(model.Append(cache, tokens.AsSpan(87..)));
        return [.. logits];
    }
}
