namespace CpuMoe.Serving;

/// <summary>The slots of a scheduler, and which of them suits a prompt.</summary>
internal sealed class SlotSet(SchedulerSlot[] slots) : IDisposable
{
    private long _uses;

    /// <summary>All slots.</summary>
    public ReadOnlySpan<SchedulerSlot> All => slots;

    /// <summary>How many slots have no job.</summary>
    public int Free => slots.Count(slot => slot.Job is null);

    /// <summary>
    /// The slot for a prompt, or null where none is free: one whose sequence the prompt continues, or goes back on by less
    /// than half; else the least recently used one, so that long sequences are kept for those who come back to them.
    /// </summary>
    public SchedulerSlot? Choose(ReadOnlySpan<int> prompt)
    {
        SchedulerSlot? chosen = null;
        int most = 0;
        foreach (SchedulerSlot slot in slots)
        {
            if (slot.Job is null && slot.Common(prompt) is var common && common > most && 2 * common >= slot.Cached.Length)
            {
                (chosen, most) = (slot, common);
            }
        }

        chosen ??= slots.Where(slot => slot.Job is null).MinBy(slot => slot.LastUsed);
        chosen?.LastUsed = ++_uses;
        return chosen;
    }

    /// <summary>The slot with the longest beginning of a prompt, busy ones included; <paramref name="slot"/> itself where no other has more.</summary>
    public SchedulerSlot SourceFor(SchedulerSlot slot, ReadOnlySpan<int> prompt)
    {
        SchedulerSlot source = slot;
        int most = slot.Common(prompt);
        foreach (SchedulerSlot other in slots)
        {
            if (other.Common(prompt) is var common && common > most)
            {
                (source, most) = (other, common);
            }
        }

        return source;
    }

    public void Dispose()
    {
        foreach (SchedulerSlot slot in slots)
        {
            slot.Dispose();
        }
    }
}
