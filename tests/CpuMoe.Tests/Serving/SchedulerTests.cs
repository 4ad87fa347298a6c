using CpuMoe.Generation;
using CpuMoe.Serving;
using CpuMoe.Tests.Generation;

namespace CpuMoe.Tests.Serving;

public class SchedulerTests
{
    private static readonly GenerationOptions Greedy = new() { Sampling = SamplerOptions.Greedy, MaxTokens = 24 };
    private static readonly SchedulerOptions FourSlots = new() { Slots = 4, QueueLength = 100, ContextLength = 200 };

    [Fact]
    public async Task ManyGenerationsAtATimeAreThoseOfASession()
    {
        ScriptedModel model = new();
        await using ServingModel serving = ServingModel.Scripted(model, FourSlots with { PromptTokensPerPass = 16 });
        Random random = new(3);
        int[][] prompts = [.. Enumerable.Range(0, 40).Select(i => RandomPrompt(random, i))];
        List<GenerationUpdate>[] expected = [.. prompts.Select(prompt => Alone(prompt, Greedy))];
        List<GenerationUpdate>[] actual = await Task.WhenAll(prompts.Select(prompt => serving.RunAsync(prompt, Greedy)));
        for (int i = 0; i < prompts.Length; i++)
        {
            Assert.Equal(expected[i], actual[i]);
        }

        SchedulerStatistics statistics = await serving.IdleAsync();
        Assert.Equal((40, 0, 0, 0), ((int)statistics.Completed, (int)statistics.Failed, (int)statistics.Cancelled, (int)statistics.Rejected));
        Assert.Equal(actual.Sum(updates => updates.Count), statistics.GeneratedTokens);
        Assert.Equal(prompts.Sum(prompt => prompt.Length), statistics.PromptTokens + statistics.CachedTokens);
        Assert.Equal(4, model.LargestPass);
    }

    [Fact]
    public async Task RunningGenerationsGetATokenWithEveryPartOfALongPrompt()
    {
        ScriptedModel model = new();
        await using ServingModel serving = ServingModel.Scripted(model, FourSlots with { ContextLength = 4000, PromptTokensPerPass = 10 });
        using SemaphoreSlim step = new(0);
        model.BeforePass = () => step.Wait(TestContext.Current.CancellationToken);
        await using GenerationJob running = serving.Scheduler.Submit(new int[] { 1, 2, 3 }, Greedy with { MaxTokens = 100 }, TestContext.Current.CancellationToken);
        await using IAsyncEnumerator<GenerationUpdate> updates = running.GetAsyncEnumerator(TestContext.Current.CancellationToken);
        step.Release();
        Assert.True(await updates.MoveNextAsync());
        await using GenerationJob longPrompt = serving.Scheduler.Submit(Enumerable.Repeat(7, 2000).ToArray(), Greedy, TestContext.Current.CancellationToken);
        for (int i = 0; i < 50; i++)
        {
            step.Release();
            Assert.True(await updates.MoveNextAsync());
        }

        Assert.InRange(model.EvaluatedTokens, 52, 3 + 52 + (51 * 10));
        Assert.Equal(0, longPrompt.Timings.GeneratedTokens);
        step.Release(10_000);
    }

    [Fact]
    public async Task AShortPromptDoesNotWaitForALongOne()
    {
        ScriptedModel model = new();
        await using ServingModel serving = ServingModel.Scripted(model, FourSlots with { ContextLength = 4000 });
        using SemaphoreSlim step = new(0);
        model.BeforePass = () => step.Wait(TestContext.Current.CancellationToken);
        await using GenerationJob longPrompt = serving.Scheduler.Submit(Enumerable.Repeat(7, 3000).ToArray(), Greedy, TestContext.Current.CancellationToken);
        await using GenerationJob shortPrompt = serving.Scheduler.Submit(Enumerable.Repeat(8, 20).ToArray(), Greedy, TestContext.Current.CancellationToken);
        step.Release(2);
        await using IAsyncEnumerator<GenerationUpdate> updates = shortPrompt.GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await updates.MoveNextAsync());
        Assert.Equal(0, longPrompt.Timings.GeneratedTokens);
        step.Release(10_000);
    }

    [Fact]
    public async Task APassThatNobodyWantsIsEnded()
    {
        ScriptedModel model = new();
        await using ServingModel serving = ServingModel.Scripted(model, FourSlots);
        using SemaphoreSlim begun = new(0);
        using SemaphoreSlim step = new(0);
        model.BeforePass = () =>
        {
            begun.Release();
            step.Wait(TestContext.Current.CancellationToken);
        };
        GenerationJob job = serving.Scheduler.Submit(new int[100], Greedy, TestContext.Current.CancellationToken);
        await begun.WaitAsync(TestContext.Current.CancellationToken);
        await job.DisposeAsync();
        step.Release(1000);
        await serving.IdleAsync();
        Assert.Equal(0, model.EvaluatedTokens);
        Assert.Equal(Alone([3], Greedy), await serving.RunAsync([3], Greedy));
        Assert.Equal((1, 1), ((int)serving.Scheduler.Statistics.Cancelled, (int)(await serving.IdleAsync()).Completed));
    }

    [Fact]
    public async Task BeginningsOfPromptsAreTakenFromWhereverTheyAreCached()
    {
        ScriptedModel model = new();
        await using ServingModel serving = ServingModel.Scripted(model, FourSlots with { Slots = 2 });
        int[] common = [.. Enumerable.Range(100, 60)];
        await serving.RunAsync([.. common, 1], Greedy);
        int before = model.EvaluatedTokens;

        // The slot of the first keeps more than half of it: its sequence is copied to the other.
        List<GenerationUpdate> second = await serving.RunAsync([.. common[..20], 2], Greedy with { MaxTokens = 1 });
        Assert.Equal(Alone([.. common[..20], 2], Greedy with { MaxTokens = 1 }), second);
        Assert.Equal(1, model.EvaluatedTokens - before);
        before = model.EvaluatedTokens;
        GenerationJob third = serving.Scheduler.Submit((int[])[.. common, 3], Greedy with { MaxTokens = 1 }, TestContext.Current.CancellationToken);
        Assert.Equal(Alone([.. common, 3], Greedy with { MaxTokens = 1 }), await ServingModel.CollectAsync(third));
        Assert.Equal(1, model.EvaluatedTokens - before);
        Assert.Equal((61, 60, 1), (third.Timings.PromptTokens, third.Timings.CachedTokens, third.Timings.GeneratedTokens));
    }

    [Fact]
    public async Task AFullQueueRefusesAndACancelledWaiterLeavesItAtOnce()
    {
        ScriptedModel model = new();
        await using ServingModel serving = ServingModel.Scripted(model, FourSlots with { Slots = 1, QueueLength = 2 });
        using SemaphoreSlim step = new(0);
        model.BeforePass = () => step.Wait(TestContext.Current.CancellationToken);
        using CancellationTokenSource cancellation = new();
        GenerationJob[] jobs = [.. Enumerable.Range(0, 3).Select(i => serving.Scheduler.Submit(new int[] { i + 1 }, Greedy, i == 1 ? cancellation.Token : CancellationToken.None))];
        SchedulerBusyException busy = Assert.Throws<SchedulerBusyException>(() => serving.Scheduler.Submit(new int[] { 9 }, Greedy, TestContext.Current.CancellationToken));
        Assert.False(busy.IsShuttingDown);
        await cancellation.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => ServingModel.CollectAsync(jobs[1]));
        GenerationJob late = serving.Scheduler.Submit(new int[] { 9 }, Greedy, TestContext.Current.CancellationToken);
        step.Release(1000);
        Assert.Equal(Alone([9], Greedy), await ServingModel.CollectAsync(late));
        Assert.Equal(Alone([1], Greedy), await ServingModel.CollectAsync(jobs[0]));
        SchedulerStatistics statistics = await serving.IdleAsync();
        Assert.Equal((1, 1, 3), ((int)statistics.Rejected, (int)statistics.Cancelled, (int)statistics.Completed));
    }

    [Fact]
    public async Task ClientsThatWaitGetSlotsInTurn()
    {
        ScriptedModel model = new();
        await using ServingModel serving = ServingModel.Scripted(model, FourSlots with { Slots = 1 });
        using SemaphoreSlim step = new(0);
        model.BeforePass = () => step.Wait(TestContext.Current.CancellationToken);
        string?[] clients = ["a", "a", "a", "b", "a", null, "b"];
        List<GenerationJob> jobs = [];
        foreach (string? client in clients)
        {
            jobs.Add(serving.Scheduler.Submit(new int[] { 5 }, Greedy with { MaxTokens = 1, Client = client }, TestContext.Current.CancellationToken));
            while (serving.Scheduler.Statistics.Running == 0)
            {
                await Task.Delay(1, TestContext.Current.CancellationToken); // The first has the slot before the others wait.
            }
        }

        List<GenerationJob> waiting = [.. jobs];
        List<int> order = [];
        while (waiting.Count > 0)
        {
            step.Release();
            while (waiting.All(job => job.Timings.GeneratedTokens == 0))
            {
                await Task.Delay(1, TestContext.Current.CancellationToken);
            }

            order.Add(jobs.IndexOf(Assert.Single(waiting, job => job.Timings.GeneratedTokens == 1)));
            waiting.Remove(jobs[order[^1]]);
        }

        // The first has the slot; then it is the turn of 1, 3 and 5, then of 2 and 6, then of 4.
        Assert.Equal([0, 1, 3, 5, 2, 6, 4], order);
    }

    [Fact]
    public async Task WhatCannotRunIsRefusedAtOnce()
    {
        await using ServingModel serving = ServingModel.Scripted(new ScriptedModel(), FourSlots with { ContextLength = 10 });
        Scheduler scheduler = serving.Scheduler;
        PromptTooLongException tooLong = Assert.Throws<PromptTooLongException>(() => Submit(new int[10], Greedy));
        Assert.Equal((10, 10), (tooLong.Tokens, tooLong.ContextLength));
        Assert.Throws<ArgumentException>(() => Submit([], Greedy));
        Assert.Throws<ArgumentException>(() => Submit([-1], Greedy));
        Assert.Throws<ArgumentException>(() => Submit([1], Greedy with { StopStrings = [""] }));
        Assert.Throws<ArgumentException>(() => Submit([1], Greedy with { Logprobs = 21 }));
        Assert.Throws<ArgumentException>(() => Submit([1], Greedy with { PromptLogprobs = true }));
        Assert.Throws<ArgumentException>(() => Submit([1], Greedy with { ThoughtBudget = new ThoughtBudget(3, false, [], [4]) }));
        Assert.Throws<ArgumentException>(() => Submit([1], Greedy with { ThoughtBudget = new ThoughtBudget(3, true, [], []) }));
        Assert.Throws<ArgumentException>(() => Submit([1], Greedy with { ThoughtBudget = new ThoughtBudget(3, true, [], [1 << 20]) }));
        Assert.Throws<ArgumentException>(() => Submit([1], Greedy with { ThoughtBudget = new ThoughtBudget(-1, true, [], [4]) }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Submit([1], Greedy with { Sampling = new() { TopP = 2 } }));
        Assert.Equal(0, scheduler.Statistics.Passes);

        void Submit(int[] prompt, GenerationOptions options) => scheduler.Submit(prompt, options, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task AFailedPassEndsItsGenerationsAndNoOthers()
    {
        ScriptedModel model = new();
        await using ServingModel serving = ServingModel.Scripted(model, FourSlots with { Slots = 1 });
        await serving.RunAsync([5, 6, 7], Greedy);
        model.BeforePass = () =>
        {
            model.BeforePass = () => { };
            throw new IOException("disk gone");
        };
        GenerationJob[] jobs = [.. Enumerable.Range(0, 2).Select(i => serving.Scheduler.Submit(new int[] { 5, 6, i }, Greedy, TestContext.Current.CancellationToken))];
        await Assert.ThrowsAsync<IOException>(() => ServingModel.CollectAsync(jobs[0]));
        Assert.Equal(Alone([5, 6, 1], Greedy), await ServingModel.CollectAsync(jobs[1]));
        Assert.Equal((1, 2), ((int)(await serving.IdleAsync()).Failed, (int)serving.Scheduler.Statistics.Completed));
    }

    [Fact]
    public async Task ASlowConsumerHoldsUpItselfOnly()
    {
        ScriptedModel model = new();
        await using ServingModel serving = ServingModel.Scripted(model, FourSlots with { Slots = 2, ContextLength = 1000 });
        GenerationOptions many = Greedy with { MaxTokens = 500 };
        GenerationJob slow = serving.Scheduler.Submit(new int[] { 1 }, many, TestContext.Current.CancellationToken);
        for (int i = 2; i < 6; i++)
        {
            Assert.Equal(Alone([i], many), await serving.RunAsync([i], many));
        }

        Assert.Equal(GenerationJob.BufferLength, slow.Timings.GeneratedTokens);
        Assert.Equal(1, serving.Scheduler.Statistics.Running);
        Assert.Equal(Alone([1], many), await ServingModel.CollectAsync(slow));
        await serving.IdleAsync();
    }

    [Fact]
    public async Task ShuttingDownLetsFinishWhatFinishesInTime()
    {
        ScriptedModel model = new();
        await using ServingModel serving = ServingModel.Scripted(model, FourSlots with { Slots = 1, ContextLength = 9000 });
        Task<List<GenerationUpdate>>[] soon = [serving.RunAsync([1], Greedy), serving.RunAsync([2], Greedy)];
        Task shutDown = serving.Scheduler.ShutDownAsync(TimeSpan.FromSeconds(60));
        Assert.True(Assert.Throws<SchedulerBusyException>(() => serving.Scheduler.Submit(new int[] { 9 }, Greedy, TestContext.Current.CancellationToken)).IsShuttingDown);
        await shutDown;
        Assert.All(await Task.WhenAll(soon), updates => Assert.Equal(24, updates.Count));

        await using ServingModel other = ServingModel.Scripted(new ScriptedModel(), FourSlots with { Slots = 1, ContextLength = 9000 });
        GenerationJob[] late = [.. Enumerable.Range(0, 2).Select(i => other.Scheduler.Submit(new int[] { i }, Greedy with { MaxTokens = 0 }, TestContext.Current.CancellationToken))];
        await other.Scheduler.ShutDownAsync(TimeSpan.FromMilliseconds(20));
        foreach (GenerationJob job in late)
        {
            await Assert.ThrowsAsync<OperationCanceledException>(() => ServingModel.CollectAsync(job));
        }

        Assert.Equal((0, 0, 2), (other.Scheduler.Statistics.Running, other.Scheduler.Statistics.Waiting, (int)other.Scheduler.Statistics.Cancelled));
    }

    [Fact]
    public async Task CancellingAtAnyTimeLeavesNothingBehind()
    {
        Random random = new(7);
        ScriptedModel model = new() { BeforePass = () => Thread.SpinWait(2000) };
        await using ServingModel serving = ServingModel.Scripted(model, FourSlots with { QueueLength = 400, PromptTokensPerPass = 8 });
        int ended = 0;
        await Task.WhenAll(Enumerable.Range(0, 300).Select(async i =>
        {
            int[] prompt = RandomPrompt(random, i);
            int way = i % 4;
            int after = random.Next(40);
            using CancellationTokenSource cancellation = new();
            GenerationJob job = serving.Scheduler.Submit(prompt, Greedy, way == 0 ? cancellation.Token : CancellationToken.None);
            if (way == 0)
            {
                cancellation.CancelAfter(after);
            }

            try
            {
                int count = 0;
                await foreach (GenerationUpdate update in job.WithCancellation(way == 1 ? cancellation.Token : CancellationToken.None))
                {
                    if (++count > after && way == 1)
                    {
                        await cancellation.CancelAsync();
                    }
                    else if (count > after && way == 2)
                    {
                        break;
                    }
                }
            }
            catch (OperationCanceledException)
            {
                Interlocked.Increment(ref ended);
            }

            await job.DisposeAsync();
        }));
        SchedulerStatistics statistics = await serving.IdleAsync();
        Assert.InRange(ended, 20, 150);
        Assert.Equal(300, statistics.Completed + statistics.Cancelled);
        Assert.InRange(statistics.Cancelled, ended, 225);
        Assert.Equal(Alone([1, 2, 3], Greedy), await serving.RunAsync([1, 2, 3], Greedy));
    }

    [Fact]
    public async Task AGenerationIsEnumeratedOnce()
    {
        await using ServingModel serving = ServingModel.Scripted(new ScriptedModel(), FourSlots);
        GenerationJob job = serving.Scheduler.Submit(new int[] { 1 }, Greedy, TestContext.Current.CancellationToken);
        await ServingModel.CollectAsync(job);
        await Assert.ThrowsAsync<InvalidOperationException>(() => ServingModel.CollectAsync(job));
        using CancellationTokenSource cancelled = new();
        await cancelled.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => ServingModel.CollectAsync(serving.Scheduler.Submit(new int[] { 1 }, Greedy, cancelled.Token)));
        await serving.IdleAsync();
    }

    /// <summary>Prompts of all lengths, many of which begin alike.</summary>
    private static int[] RandomPrompt(Random random, int index) =>
        [.. Enumerable.Range(500, random.Next(3) * 30), .. Enumerable.Range(0, random.Next(1, 60)).Select(i => random.Next(3) == 0 ? index : random.Next(1000))];

    private static List<GenerationUpdate> Alone(int[] prompt, GenerationOptions options)
    {
        using Session session = new ScriptedModel().CreateSession(1000);
        return [.. session.Generate(prompt, options, TestContext.Current.CancellationToken)];
    }
}
