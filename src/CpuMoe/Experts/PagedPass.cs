using CpuMoe.Compute;

namespace CpuMoe.Experts;

/// <summary>One pass over a layer: the experts it asked for, their slots, and how far it came.</summary>
/// <remarks>One object serves all passes, one after the other. Used only under the lock of the <see cref="PagedExperts"/>.</remarks>
/// <param name="expertCount">Experts per layer.</param>
/// <param name="reads">The reading threads.</param>
internal sealed class PagedPass(int expertCount, ReadQueue reads)
{
    /// <summary>Experts being read ahead of an ascending pass: enough to keep the disk busy, few enough to flush little.</summary>
    private const int ReadAhead = 8;

    /// <summary>Slots a scan takes from what decoding wants: one to compute with while two are being read.</summary>
    private const int ScanSlots = 3;

    private readonly int[] _experts = new int[expertCount];
    private readonly ExpertSlot?[] _slots = new ExpertSlot?[expertCount];
    private readonly bool[] _isTaken = new bool[expertCount];
    private readonly bool[] _isAdmitted = new bool[expertCount];
    private ExpertLayer _layer = null!;
    private SlotPool _pool = null!;
    private int _firstKey;
    private bool _scan;

    // Of the experts: how many there are, were asked for, were let go of (in an ascending pass), are still to be taken,
    // and hold slots that this pass has filled.
    private int _count;
    private int _requested;
    private int _released;
    private int _left;
    private int _admitted;

    /// <summary>Whether all experts stay until the end.</summary>
    public bool KeepsAll { get; private set; }

    /// <summary>Whether all experts were taken.</summary>
    public bool IsComplete => _left == 0;

    /// <summary>The weights of a taken expert.</summary>
    public FeedForwardWeights Weights(int index) => _slots[index]!.Weights(_layer, _experts[index]);

    /// <summary>Starts.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="pool">Its slots.</param>
    /// <param name="firstKey">The number of its first expert.</param>
    /// <param name="experts">The experts asked for, ascending.</param>
    /// <returns>How many of them are neither in memory nor being read.</returns>
    public int Begin(ExpertLayer layer, SlotPool pool, int firstKey, ReadOnlySpan<int> experts)
    {
        _layer = layer;
        _pool = pool;
        _firstKey = firstKey;
        _count = _left = experts.Length;
        _requested = _released = _admitted = 0;
        experts.CopyTo(_experts);
        Array.Clear(_slots, 0, _count);
        Array.Clear(_isTaken, 0, _count);
        Array.Clear(_isAdmitted, 0, _count);

        int missing = 0;
        foreach (int expert in experts)
        {
            missing += pool.Find(firstKey + expert) is null ? 1 : 0;
        }

        _scan = (long)_count * pool.Plan.Layers > pool.Capacity;
        KeepsAll = _count <= pool.Capacity && (!_scan || missing <= ReadAhead);
        if (KeepsAll)
        {
            // All that are there, before any is evicted for those that are not.
            for (int i = 0; i < _count; i++)
            {
                UseIfThere(i);
            }
        }

        RequestMore();
        return missing;
    }

    /// <summary>Asks for the next experts of the pass: all of them where they stay, a few ahead where not.</summary>
    public void RequestMore()
    {
        for (; _requested < _count && (KeepsAll || _admitted < ReadAhead); _requested++)
        {
            int i = _requested;
            if (_slots[i] is not null || UseIfThere(i))
            {
                continue;
            }

            if (!KeepsAll && _scan && _admitted >= ScanSlots && !_pool.HasSpare)
            {
                return; // Rather than evict what decoding wants, go on with few slots.
            }

            if (_pool.Admit(_firstKey + _experts[i], _layer, _experts[i], _scan) is not { } slot)
            {
                return; // Until a slot is released, by this pass or by a read that ends.
            }

            _slots[i] = slot;
            _isAdmitted[i] = true;
            _admitted++;
            Read(slot);
        }
    }

    /// <summary>Writes which experts can be used now, and counts them as taken.</summary>
    /// <exception cref="ExpertReadException">One could not be read.</exception>
    public int Take(Span<int> ready)
    {
        int count = 0;
        for (int i = KeepsAll ? 0 : _released; i < _requested; i++)
        {
            if (!_isTaken[i] && IsReady(i))
            {
                ready[count++] = i;
            }
            else if (!KeepsAll)
            {
                break; // In order.
            }
        }

        foreach (int i in ready[..count])
        {
            _isTaken[i] = true;
        }

        _left -= count;
        return count;
    }

    /// <summary>Lets go of what an ascending pass has taken.</summary>
    public void ReleaseTaken()
    {
        for (; !KeepsAll && _released < _count && _isTaken[_released]; _released++)
        {
            Release(_released);
        }
    }

    /// <summary>Lets go of everything.</summary>
    public void End()
    {
        for (int i = 0; i < _count; i++)
        {
            Release(i);
        }

        _count = _left = 0;
    }

    private bool UseIfThere(int i)
    {
        if (_pool.Find(_firstKey + _experts[i]) is not { } slot)
        {
            return false;
        }

        _pool.Use(slot, _scan);
        _slots[i] = slot;
        if (slot.State == SlotState.Loading)
        {
            reads.Promote(slot.Job);
        }

        return true;
    }

    private bool IsReady(int i)
    {
        ExpertSlot slot = _slots[i]!;
        if (slot.State != SlotState.Failed)
        {
            return slot.State == SlotState.Ready;
        }

        if (_isAdmitted[i])
        {
            throw slot.Job.Fault!;
        }

        // A read that an earlier pass began, and that may have failed long ago, is not the failure of this one.
        _isAdmitted[i] = true;
        _admitted++;
        slot.Prepare(slot.Key, _layer, _experts[i]);
        Read(slot);
        return false;
    }

    /// <summary>Has an admitted slot read; until then it is kept once more.</summary>
    private void Read(ExpertSlot slot)
    {
        _pool.Lease(slot);
        reads.Enqueue(slot.Job, background: false);
    }

    private void Release(int i)
    {
        if (_slots[i] is { } slot)
        {
            _pool.Release(slot);
            _slots[i] = null;
            _admitted -= _isAdmitted[i] ? 1 : 0;
        }
    }
}
