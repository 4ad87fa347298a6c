using CpuMoe.Generation;
using CpuMoe.Serving;
using CpuMoe.Tests.Generation;

namespace CpuMoe.Tests.Serving;

public class TimeLimitTests
{
    private static readonly GenerationOptions Greedy = new() { Sampling = SamplerOptions.Greedy, MaxTokens = 900 };
    private static readonly SchedulerOptions OneSlot = new() { ContextLength = 1000 };
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(50);

    [Fact]
    public async Task WhoWaitsTooLongLeavesTheQueue()
    {
        ScriptedModel model = new();
        using SemaphoreSlim step = new(0);
        model.BeforePass = () => step.Wait(TestContext.Current.CancellationToken);
        await using ServingModel serving = ServingModel.Scripted(model, OneSlot with { MaxQueueTime = Soon });
        await using GenerationJob running = serving.Scheduler.Submit(new int[] { 1 }, Greedy with { MaxTokens = 3 }, TestContext.Current.CancellationToken);
        while (serving.Scheduler.Statistics.Running == 0)
        {
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        await using GenerationJob waiting = serving.Scheduler.Submit(new int[] { 2 }, Greedy, TestContext.Current.CancellationToken);
        TimeLimitException fault = await Assert.ThrowsAsync<TimeLimitException>(() => ServingModel.CollectAsync(waiting));
        Assert.True(fault.IsInQueue);
        Assert.Equal((1, 0), (serving.Scheduler.Statistics.Running, serving.Scheduler.Statistics.Waiting));
        Assert.Equal(TimeSpan.Zero, waiting.Timings.QueueTime);
        step.Release(10);
        Assert.Equal(3, (await ServingModel.CollectAsync(running)).Count);
    }

    [Fact]
    public async Task APromptThatTakesTooLongFails()
    {
        ScriptedModel model = new() { BeforePass = () => Thread.Sleep(20) };
        await using ServingModel serving = ServingModel.Scripted(model, OneSlot with { MaxSlotTime = Soon, ContextLength = 9000 });
        TimeLimitException fault = await Assert.ThrowsAsync<TimeLimitException>(() => serving.RunAsync([.. Enumerable.Repeat(7, 8000)], Greedy));
        Assert.False(fault.IsInQueue);
        Assert.Equal((0, 1L), ((await serving.IdleAsync()).Running, serving.Scheduler.Statistics.Cancelled));
    }

    [Fact]
    public async Task AnAnswerThatTakesTooLongIsCut()
    {
        ScriptedModel model = new() { BeforePass = () => Thread.Sleep(5) };
        await using ServingModel serving = ServingModel.Scripted(model, OneSlot with { MaxSlotTime = Soon });
        List<GenerationUpdate> updates = await serving.RunAsync([1, 2, 3], Greedy);
        Assert.InRange(updates.Count, 1, 100);
        Assert.Equal(FinishReason.Length, updates[^1].FinishReason);
        Assert.Equal(1, (await serving.IdleAsync()).Completed);
    }

    [Fact]
    public async Task WhoDoesNotReadLosesTheSlot()
    {
        await using ServingModel serving = ServingModel.Scripted(new ScriptedModel(), OneSlot with { MaxSlotTime = TimeSpan.FromMilliseconds(300) });
        await using GenerationJob job = serving.Scheduler.Submit(new int[] { 1 }, Greedy, TestContext.Current.CancellationToken);
        await serving.IdleAsync();
        Assert.InRange(job.Timings.GeneratedTokens, 1, GenerationJob.BufferLength);
        await Assert.ThrowsAsync<TimeLimitException>(() => ServingModel.CollectAsync(job));
    }

    [Fact]
    public async Task SlotsTellWhatTheyDo()
    {
        ScriptedModel model = new();
        using SemaphoreSlim step = new(0);
        model.BeforePass = () => step.Wait(TestContext.Current.CancellationToken);
        await using ServingModel serving = ServingModel.Scripted(model, OneSlot with { Slots = 2 });
        await using GenerationJob first = serving.Scheduler.Submit(new int[] { 1, 2, 3 }, Greedy with { MaxTokens = 5 }, TestContext.Current.CancellationToken);
        await using IAsyncEnumerator<GenerationUpdate> updates = first.GetAsyncEnumerator(TestContext.Current.CancellationToken);
        step.Release(2);
        Assert.True(await updates.MoveNextAsync());
        Assert.True(await updates.MoveNextAsync());

        SlotState busy = Assert.Single(serving.Scheduler.Slots, slot => slot.Job is not null);
        Assert.Equal((1L, 3, 2, 3), (busy.Job, busy.PromptTokens, busy.GeneratedTokens, busy.RemainingTokens));
        Assert.Equal(4, busy.HeldTokens);
        step.Release(10);
        await serving.IdleAsync();
        Assert.All(serving.Scheduler.Slots, slot => Assert.Equal((null, 0, 0, 0), (slot.Job, slot.PromptTokens, slot.GeneratedTokens, slot.RemainingTokens)));
        SchedulerStatistics statistics = serving.Scheduler.Statistics;
        Assert.Equal((5L, 5L, 7), (statistics.Passes, statistics.PassSlots, statistics.LongestSequence));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(30 * 24 * 60 * 60)]
    public void LimitsAreChecked(int seconds) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ServingModel.Scripted(new ScriptedModel(), OneSlot with { MaxQueueTime = TimeSpan.FromSeconds(seconds) }));
}
