using CpuMoe.Experts;
using CpuMoe.Generation;
using CpuMoe.Models;
using CpuMoe.Serving;
using CpuMoe.Testing;
using CpuMoe.Tests.Experts;

namespace CpuMoe.Tests.Serving;

/// <summary>Generations of the bundled model that share passes.</summary>
public class SharedModelTests
{
    private static readonly GenerationOptions Greedy = new() { Sampling = SamplerOptions.Greedy, MaxTokens = 24 };

    [Fact]
    public async Task ConcurrentStreamsAreEachTheirSingleStreamResult()
    {
        await using ServingModel serving = ServingModel.Demo(new() { Slots = 4, QueueLength = 40, ContextLength = 300, PromptTokensPerPass = 32 }, new() { Threads = 2 });
        Random random = new(6);
        int[] common = Ids(random, 70);
        int[][] prompts = [.. Enumerable.Range(0, 32).Select(i => (int[])[.. common.Take(i % 3 * 35), .. Ids(random, random.Next(1, 120))])];
        GenerationOptions[] options = [.. Enumerable.Range(0, 32).Select(i => i % 4 != 3 ? Greedy : Greedy with { Sampling = new() { Seed = (ulong)i } })];
        List<GenerationUpdate>[] expected = [.. prompts.Select((prompt, i) => serving.Alone(prompt, options[i]))];
        List<GenerationUpdate>[] actual = await Task.WhenAll(prompts.Select((prompt, i) => Task.Run(() => serving.RunAsync(prompt, options[i]))));
        Assert.Equal(expected, actual);
        SchedulerStatistics statistics = await serving.IdleAsync();
        Assert.True(statistics.CachedTokens > 100, $"Only {statistics.CachedTokens} tokens were found cached.");
        Assert.True(statistics.Passes < actual.Sum(updates => updates.Count), "Nothing was shared.");
    }

    [Fact]
    public async Task ADiskThatFailsEndsTheGenerationsOfThePassOnly()
    {
        FaultyReader? reader = null;
        ModelOptions paged = new() { Threads = 2, ExpertCacheBytes = 2 << 20, OpenReader = file => reader = new FaultyReader(FileReader.Open(file)) };
        await using ServingModel serving = ServingModel.Demo(new() { Slots = 2, ContextLength = 200 }, paged);
        using LanguageModel mapped = LanguageModel.Load(TestData.DemoModel, new ModelOptions { Threads = 2 });
        Random random = new(2);
        for (int turn = 0; turn < 3; turn++)
        {
            int[] prompt = Ids(random, 30);
            reader!.BeforeRead = _ => throw new IOException("Input/output error");
            await using GenerationJob failing = serving.Scheduler.Submit(prompt, Greedy, TestContext.Current.CancellationToken);
            await Assert.ThrowsAsync<ExpertReadException>(() => ServingModel.CollectAsync(failing));
            reader.BeforeRead = null;
            using Session session = mapped.CreateSession(new SessionOptions { ContextLength = 200 });
            Assert.Equal(session.Generate(prompt, Greedy, TestContext.Current.CancellationToken), await serving.RunAsync(prompt, Greedy));
        }

        Assert.Equal((3, 3), ((int)serving.Scheduler.Statistics.Failed, (int)(await serving.IdleAsync()).Completed));
    }

    private static int[] Ids(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(10, 1500))];
}
