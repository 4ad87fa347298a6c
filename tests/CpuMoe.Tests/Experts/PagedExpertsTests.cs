using CpuMoe.Compute;
using CpuMoe.Experts;
using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Tests.Models;

namespace CpuMoe.Tests.Experts;

/// <summary>The protocol of a paged source: what is kept, for how long, and what is read.</summary>
public sealed unsafe class PagedExpertsTests : IDisposable
{
    private const int Layers = 2;
    private const int Used = 3;

    private static readonly TinyGlm Shape = new()
    {
        TrunkBlocks = Layers + 1,
        Experts = 20,
        ExpertsUsed = Used,
        ExpertType = GgmlType.Q4_0,
        DownType = GgmlType.Q8_0,
    };

    private readonly OpenModel _open = new(Shape);
    private readonly ExpertLayer[] _layers;
    private readonly FaultyReader _reader;
    private readonly ReadQueue _reads;
    private readonly SlotPlan _plan;
    private PagedExperts? _experts;

    public PagedExpertsTests()
    {
        _layers = new Glm4MoeWeights(_open.File, Glm4MoeConfig.Read(_open.File.Metadata), new TensorBinder(_open.File, MatMulPath.Fast)).Experts;
        _reader = new FaultyReader(FileReader.Open(_open.File));
        _reads = new ReadQueue(_reader);
        _plan = new SlotPlan(_layers, Used);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _reads.Dispose();
        _experts?.Dispose();
        _open.Dispose();
    }

    [Fact]
    public void APassThatFitsKeepsAllItsExperts()
    {
        PagedExperts experts = Create(slots: 12);
        experts.Begin(0, [2, 5, 7], 1);
        Assert.True(experts.KeepsAll);
        Assert.Equal([0, 1, 2], TakeAll(experts).Order());
        Assert.All([0, 1, 2], i => AssertHolds(experts, i, 0, [2, 5, 7]));
        experts.End();
        int reads = _reader.Reads;
        experts.Begin(0, [2, 7, 9], 1);
        Assert.Equal([0, 1], Take(experts, wait: false).Order()); // Those in memory, at once.
        Assert.Equal([2], TakeAll(experts));
        experts.End();
        Assert.Equal(reads + 3, _reader.Reads); // The gate, up and down matrices of expert 9.
        Assert.Equal((2, 4), (experts.Statistics.Hits[0], experts.Statistics.Misses[0]));
    }

    [Fact]
    public void APassOverMoreExpertsThanSlotsComesInOrderAndLetsGo()
    {
        PagedExperts experts = Create(slots: _plan.ExpertsUsed + 2);
        int[] all = [.. Enumerable.Range(0, Shape.Experts)];
        experts.Begin(1, all, 50);
        Assert.False(experts.KeepsAll);
        List<int> taken = [];
        while (Take(experts, wait: true) is { Length: > 0 } ready)
        {
            Assert.All(ready, i => AssertHolds(experts, i, 1, all));
            taken.AddRange(ready);
        }

        experts.End();
        Assert.Equal(all, taken);
        Assert.Equal(Shape.Experts, experts.Statistics.Misses[1]);
    }

    [Fact]
    public void AScanLeavesWhatDecodingNeeds()
    {
        PagedExperts experts = Create(slots: 12);
        int[] wanted = [1, 4, 6, 11, 15, 17];
        for (int token = 0; token < 10; token++)
        {
            Pass(experts, 0, wanted.Order().Take(3));
            Pass(experts, 0, wanted.Order().Skip(3));
        }

        Pass(experts, 0, Enumerable.Range(0, Shape.Experts));
        Pass(experts, 1, Enumerable.Range(0, Shape.Experts));
        long missed = experts.Statistics.Misses[0];
        Pass(experts, 0, wanted);
        Assert.Equal(missed, experts.Statistics.Misses[0]);
    }

    [Fact]
    public void MemoryCanBeTakenAndGivenBack()
    {
        PagedExperts experts = Create(slots: 30);
        Pass(experts, 0, Enumerable.Range(0, 12));
        Assert.Equal(0, experts.Reserve(10 * SlotBytes));
        Assert.Equal(20, experts.Statistics.Slots);
        Pass(experts, 0, Enumerable.Range(3, 12));
        Assert.Equal(0, experts.Reserve(15 * SlotBytes));
        Assert.Equal(Used + 2, experts.Statistics.Slots);
        Assert.Equal(1, experts.Reserve(1));
        Pass(experts, 1, Enumerable.Range(0, 20));
        experts.Restore(25 * SlotBytes);
        Assert.Equal(30, experts.Statistics.Slots);
        Pass(experts, 0, Enumerable.Range(0, 20));
    }

    [Fact]
    public void MemoryInUseIsGivenUpWhenThePassEnds()
    {
        PagedExperts experts = Create(slots: 30);
        int[] list = [.. Enumerable.Range(0, 15)];
        experts.Begin(0, list, 4);
        TakeAll(experts);
        Assert.Equal(0, experts.Reserve(25 * SlotBytes));
        Assert.All(Enumerable.Range(0, 15), i => AssertHolds(experts, i, 0, list));
        experts.End();
        Pass(experts, 1, Enumerable.Range(0, 20));
        Pass(experts, 0, list);
    }

    [Fact]
    public void WhatWasWantedIsPreloaded()
    {
        PagedExperts experts = Create(slots: 12);
        for (int token = 0; token < 5; token++)
        {
            Pass(experts, 0, [3, 8, 9]);
            Pass(experts, 1, [0, 2, 4]);
        }

        Pass(experts, 1, [5, 6, 7]);
        int[] hottest = experts.Hottest();
        Assert.Equal([3, 8, 9, 20, 22, 24], hottest.Take(6).Order());
        experts.Dispose();

        experts = Create(slots: 12);
        experts.Preload(hottest);
        Assert.True(SpinWait.SpinUntil(() => _reads.Snapshot().Reads >= (7 + hottest.Length) * 3, TimeSpan.FromSeconds(10)));
        Pass(experts, 0, [3, 8, 9]);
        Pass(experts, 1, [0, 2, 4]);
        Assert.Equal(0, experts.Statistics.Misses.Sum());
    }

    [Fact]
    public void PreloadingEvictsNothing()
    {
        PagedExperts experts = Create(slots: 8);
        Pass(experts, 0, [0, 1, 2, 3, 4, 5]);
        experts.Preload([.. Enumerable.Range(0, 2 * Shape.Experts)]);
        for (int turn = 0; turn < 20; turn++)
        {
            Pass(experts, 0, [0, 1, 2, 3, 4, 5]);
        }

        Assert.Equal(6, experts.Statistics.Misses.Sum());
    }

    [Fact]
    public void ACancelledWaitEndsThePass()
    {
        using var release = new ManualResetEventSlim();
        _reader.BeforeRead = _ =>
        {
            release.Wait(Cancellation);
            return int.MaxValue;
        };
        PagedExperts experts = Create(slots: 12);
        using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(20));
        experts.Begin(0, [1, 2], 1);
        Assert.Throws<OperationCanceledException>(() => experts.Take(new int[2], wait: true, cancellation.Token));
        experts.End();
        release.Set();
        Pass(experts, 0, [1, 2, 3]);
    }

    [Fact]
    public void FewSlotsGoRoundWhileReadsAreSlow()
    {
        var random = new Random(2);
        _reader.BeforeRead = _ =>
        {
            int pause;
            lock (random)
            {
                pause = random.Next(3);
            }

            Thread.Sleep(pause);
            return int.MaxValue;
        };
        PagedExperts experts = Create(slots: Used + 2);
        for (int step = 0; step < 60; step++)
        {
            int[] list = [.. Enumerable.Range(0, Shape.Experts).OrderBy(_ => random.Next()).Take(random.Next(1, Shape.Experts)).Order()];
            Pass(experts, step % Layers, list);
        }
    }

    private long SlotBytes => _plan.AllBytes / (Layers * Shape.Experts);

    private PagedExperts Create(int slots) => _experts = new PagedExperts(_layers, _plan, slots * SlotBytes, _reads);

    private static int[] Take(PagedExperts experts, bool wait)
    {
        int[] ready = new int[Shape.Experts];
        return ready[..experts.Take(ready, wait, Cancellation)];
    }

    private static List<int> TakeAll(PagedExperts experts)
    {
        List<int> all = [];
        while (Take(experts, wait: true) is { Length: > 0 } ready)
        {
            all.AddRange(ready);
        }

        return all;
    }

    /// <summary>A whole pass, in which every expert must hold its weights.</summary>
    private void Pass(PagedExperts experts, int layer, IEnumerable<int> list)
    {
        int[] asked = [.. list];
        experts.Begin(layer, asked, 1);
        List<int> taken = [];
        while (Take(experts, wait: true) is { Length: > 0 } ready)
        {
            Assert.All(ready, i => AssertHolds(experts, i, layer, asked));
            taken.AddRange(ready);
        }

        experts.End();
        Assert.Equal(Enumerable.Range(0, asked.Length), taken.Order());
    }

    private void AssertHolds(PagedExperts experts, int index, int layer, int[] asked)
    {
        FeedForwardWeights expected = _layers[layer].Mapped(asked[index]);
        FeedForwardWeights actual = experts[index];
        AssertSame(expected.Gate, actual.Gate);
        AssertSame(expected.Up, actual.Up);
        AssertSame(expected.Down, actual.Down);

        static void AssertSame(WeightMatrix expected, WeightMatrix actual)
        {
            int bytes = (int)(expected.Rows * expected.RowBytes);
            Assert.True(new ReadOnlySpan<byte>(expected.Row(0), bytes).SequenceEqual(new ReadOnlySpan<byte>(actual.Row(0), bytes)));
        }
    }
}
