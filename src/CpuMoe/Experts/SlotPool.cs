namespace CpuMoe.Experts;

/// <summary>Slots of one size, for the layers whose experts have that size, and which expert is in which.</summary>
/// <remarks>
/// Layers whose down matrices have other types have experts of other sizes (mixes like Q4_K_M); slots of the largest
/// size for all would waste a tenth of the memory. Changed only under the lock of the <see cref="PagedExperts"/>.
/// </remarks>
internal sealed unsafe class SlotPool
{
    private readonly byte* _memory;
    private readonly long _slotBytes;
    private readonly ExpertSlot[] _slots;
    private readonly ExpertCachePolicy _policy;

    /// <param name="plan">Size and number of slots.</param>
    /// <param name="keys">Experts of all pools: their numbers are 0 to keys - 1.</param>
    /// <param name="usesPerToken">Experts of this pool that a token uses.</param>
    /// <param name="memory">The memory of the slots, aligned to <see cref="ReadJob.Alignment"/>.</param>
    /// <param name="completed">Called by a reading thread when a slot was read.</param>
    public SlotPool(SlotPoolPlan plan, int keys, int usesPerToken, byte* memory, Action<SlotPool, ExpertSlot> completed)
    {
        _memory = memory;
        _slotBytes = plan.SlotBytes;
        _policy = new ExpertCachePolicy(keys, plan.Slots, usesPerToken);
        _slots = new ExpertSlot[plan.Slots];
        for (int i = 0; i < _slots.Length; i++)
        {
            _slots[i] = new ExpertSlot(i, memory + (i * _slotBytes), slot => completed(this, slot));
        }

        Plan = plan;
    }

    /// <summary>Size, layers and largest number of slots.</summary>
    public SlotPoolPlan Plan { get; }

    /// <summary>Slots in use of those of the plan.</summary>
    public int Capacity => _policy.Capacity;

    /// <summary>Whether an expert can be admitted without evicting another.</summary>
    public bool HasFree => _policy.Count < Capacity;

    /// <summary>Whether an expert can be admitted at the expense of none that is wanted.</summary>
    public bool HasSpare => _policy.HasSpare;

    /// <summary>The slot of an expert that is there or being read; null where it is neither.</summary>
    public ExpertSlot? Find(int key)
    {
        int slot = _policy.SlotOf(key);
        return slot < 0 ? null : _slots[slot];
    }

    /// <summary>Notes that an expert in memory was asked for, and keeps it there until <see cref="Release"/>.</summary>
    /// <param name="slot">Its slot.</param>
    /// <param name="scan">Whether it is one of so many that being asked for says nothing about the next time.</param>
    public void Use(ExpertSlot slot, bool scan)
    {
        _policy.Touch(slot.Key, scan);
        _policy.Lease(slot.Index);
    }

    /// <summary>Gives an expert a slot, kept until <see cref="Release"/>, and prepares its read.</summary>
    /// <returns>Null when no slot can be had: each is being used or read to.</returns>
    public ExpertSlot? Admit(int key, ExpertLayer layer, int expert, bool scan)
    {
        int index = _policy.Admit(key, scan, out _);
        if (index < 0)
        {
            return null;
        }

        _policy.Lease(index);
        _slots[index].Prepare(key, layer, expert);
        return _slots[index];
    }

    /// <summary>Keeps a slot once more.</summary>
    public void Lease(ExpertSlot slot) => _policy.Lease(slot.Index);

    /// <summary>Takes back one <see cref="Use"/>, <see cref="Admit"/> or <see cref="Lease"/>. What could not be read goes with the last one.</summary>
    public void Release(ExpertSlot slot)
    {
        _policy.Release(slot.Index);
        if (_policy.IsLeased(slot.Index))
        {
            return;
        }

        if (slot.State == SlotState.Failed)
        {
            _policy.Remove(slot.Key);
            slot.State = SlotState.Empty;
        }

        if (slot.Index >= Capacity)
        {
            FreeMemory(slot);
        }
    }

    /// <summary>Uses only the first <paramref name="slots"/> slots from now on, and gives the memory of the others back when nobody uses them.</summary>
    public void Resize(int slots)
    {
        int before = Capacity;
        _policy.Resize(slots);
        for (int i = slots; i < before; i++)
        {
            if (!_policy.IsLeased(i))
            {
                FreeMemory(_slots[i]);
            }
        }
    }

    /// <summary>The experts used so far, the most wanted first.</summary>
    public int[] Hottest() => _policy.Hottest();

    /// <summary>Tells which experts an earlier run wanted most.</summary>
    public void Rank(ReadOnlySpan<int> hottest) => _policy.Rank(hottest);

    private void FreeMemory(ExpertSlot slot)
    {
        slot.State = SlotState.Empty;
        LinuxCalls.Release(_memory + (slot.Index * _slotBytes), _slotBytes);
    }
}

/// <summary>Slots of one size.</summary>
/// <param name="SlotBytes">Bytes of a slot.</param>
/// <param name="Layers">Layers whose experts have this size.</param>
/// <param name="Experts">Experts of these layers.</param>
/// <param name="Slots">The number of slots.</param>
internal sealed record SlotPoolPlan(long SlotBytes, int Layers, int Experts, int Slots);
