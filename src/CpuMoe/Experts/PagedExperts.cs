using System.Diagnostics;
using CpuMoe.Compute;

namespace CpuMoe.Experts;

/// <summary>Experts read from the disk into a fixed number of slots as passes ask for them.</summary>
/// <remarks>
/// <para>A pass that finds room for all its experts keeps them to its end and takes those in memory first, the others as
/// they arrive. A pass that does not (a long prompt asks for every expert of a layer) goes through them in ascending
/// order, reading ahead a few slots' worth.</para>
/// <para>Where a pass asks for more experts than could stay until its next turn at the same layer, what it brings in would
/// flush what the next tokens need. Such a scan leaves the order of eviction as it was and evicts its own first.</para>
/// <para>All state is under one lock, which reading threads take when a slot was read.</para>
/// </remarks>
internal sealed unsafe class PagedExperts : IExpertSource
{
    private const int ArenaAlignment = 2 << 20;

    /// <summary>Experts read in the background at a time: their slots cannot be had while a pass wants one.</summary>
    private const int PreloadAhead = 1;

    private static readonly TimeSpan CancellationPoll = TimeSpan.FromMilliseconds(50);

    private readonly ExpertLayer[] _layers;
    private readonly ReadQueue _reads;
    private readonly SlotPlan _plan;
    private readonly NativeBuffer<byte> _arena;
    private readonly SlotPool[] _pools;
    private readonly object _gate = new();
    private readonly Queue<int> _preload = new();
    private readonly int _expertCount;
    private readonly long[] _hits;
    private readonly long[] _misses;
    private readonly ReadStatistics _readBefore;
    private readonly PagedPass _pass;
    private long _stalledTicks;
    private long _cacheBytes;
    private int _preloading;
    private bool _disposed;

    /// <param name="layers">The layers with experts, all with the same number of them.</param>
    /// <param name="plan">How memory is divided.</param>
    /// <param name="cacheBytes">Memory for experts, at least <see cref="SlotPlan.SmallestBytes"/>.</param>
    /// <param name="reads">The reading threads; not disposed with this.</param>
    public PagedExperts(ExpertLayer[] layers, SlotPlan plan, long cacheBytes, ReadQueue reads)
    {
        _layers = layers;
        _reads = reads;
        _readBefore = reads.Snapshot();
        _plan = plan;
        _cacheBytes = cacheBytes;
        _expertCount = layers[0].Count;
        SlotPoolPlan[] pools = plan.Divide(cacheBytes);
        _arena = new NativeBuffer<byte>(pools.Sum(pool => pool.SlotBytes * pool.Slots), ArenaAlignment);
        LinuxCalls.PreferHugePages(_arena.Pointer, _arena.Length);
        _pools = new SlotPool[pools.Length];
        long place = 0;
        for (int i = 0; i < pools.Length; i++)
        {
            _pools[i] = new SlotPool(pools[i], layers.Length * _expertCount, plan.ExpertsUsed * pools[i].Layers, _arena.Pointer + place, OnRead);
            place += pools[i].SlotBytes * pools[i].Slots;
        }

        _hits = new long[layers.Length];
        _misses = new long[layers.Length];
        _pass = new PagedPass(_expertCount, reads);
    }

    /// <inheritdoc/>
    public bool KeepsAll => _pass.KeepsAll;

    /// <inheritdoc/>
    public ExpertStatistics Statistics
    {
        get
        {
            lock (_gate)
            {
                ReadStatistics reads = _reads.Snapshot();
                return new ExpertStatistics
                {
                    ReadMode = _reads.Mode,
                    Slots = _pools.Sum(pool => pool.Capacity),
                    Experts = _layers.Length * _expertCount,
                    Hits = [.. _hits],
                    Misses = [.. _misses],
                    Reads = reads with { Bytes = reads.Bytes - _readBefore.Bytes, Reads = reads.Reads - _readBefore.Reads, Busy = reads.Busy - _readBefore.Busy },
                    Stalled = Stopwatch.GetElapsedTime(0, _stalledTicks),
                };
            }
        }
    }

    /// <inheritdoc/>
    public FeedForwardWeights this[int index] => _pass.Weights(index);

    /// <inheritdoc/>
    public void Begin(int layer, ReadOnlySpan<int> experts, int tokens)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            int missing = _pass.Begin(_layers[layer], PoolOf(layer), layer * _expertCount, experts);
            _hits[layer] += experts.Length - missing;
            _misses[layer] += missing;
        }
    }

    /// <inheritdoc/>
    public int Take(Span<int> ready, bool wait, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _pass.ReleaseTaken();
            long waitingSince = 0;
            while (true)
            {
                _pass.RequestMore();
                int taken = _pass.Take(ready);
                if (taken > 0 || !wait || _pass.IsComplete)
                {
                    _stalledTicks += waitingSince == 0 ? 0 : Stopwatch.GetTimestamp() - waitingSince;
                    return taken;
                }

                cancellationToken.ThrowIfCancellationRequested();
                waitingSince = waitingSince == 0 ? Stopwatch.GetTimestamp() : waitingSince;
                Monitor.Wait(_gate, CancellationPoll);
            }
        }
    }

    /// <inheritdoc/>
    public void End()
    {
        lock (_gate)
        {
            _pass.End();
        }
    }

    /// <inheritdoc/>
    public long Reserve(long bytes)
    {
        lock (_gate)
        {
            long lacking = _plan.SmallestBytes - (_cacheBytes - bytes);
            if (lacking <= 0)
            {
                Resize(_cacheBytes - bytes);
            }

            return Math.Max(0, lacking);
        }
    }

    /// <inheritdoc/>
    public void Restore(long bytes)
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                Resize(_cacheBytes + bytes);
            }
        }
    }

    /// <summary>Reads experts that an earlier run wanted into free slots, while no pass wants anything.</summary>
    /// <param name="hottest">As <see cref="Hottest"/> gave them.</param>
    public void Preload(int[] hottest)
    {
        lock (_gate)
        {
            Array.ForEach(_pools, pool => pool.Rank(hottest));
            Array.ForEach(hottest, _preload.Enqueue);
            PreloadMore();
        }
    }

    /// <summary>The experts used so far, as layer * experts + expert, the most wanted first.</summary>
    public int[] Hottest()
    {
        lock (_gate)
        {
            // Pools cannot compare their experts: one of each in turn.
            return [.. _pools.SelectMany(pool => pool.Hottest().Select((key, rank) => (key, rank))).OrderBy(expert => expert.rank).Select(expert => expert.key)];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
        }

        _arena.Dispose();
    }

    private SlotPool PoolOf(int layer) => _pools[_plan.PoolOfLayer[layer]];

    /// <summary>On a reading thread: a slot was read, or could not be.</summary>
    private void OnRead(SlotPool pool, ExpertSlot slot)
    {
        lock (_gate)
        {
            slot.State = slot.Job.Fault is null ? SlotState.Ready : SlotState.Failed;
            pool.Release(slot);
            if (slot.IsPreload)
            {
                _preloading--;
                PreloadMore();
            }

            Monitor.PulseAll(_gate);
        }
    }

    private void PreloadMore()
    {
        while (!_disposed && _preloading < PreloadAhead && _preload.TryDequeue(out int key))
        {
            int layer = key / _expertCount;
            SlotPool pool = PoolOf(layer);
            if (pool.HasFree && pool.Find(key) is null && pool.Admit(key, _layers[layer], key % _expertCount, scan: true) is { } slot)
            {
                slot.IsPreload = true;
                _preloading++;
                _reads.Enqueue(slot.Job, background: true);
            }
        }
    }

    private void Resize(long cacheBytes)
    {
        SlotPoolPlan[] plans = _plan.Divide(cacheBytes);
        for (int p = 0; p < _pools.Length; p++)
        {
            _pools[p].Resize(Math.Min(plans[p].Slots, _pools[p].Plan.Slots));
        }

        _cacheBytes = cacheBytes;
    }
}
