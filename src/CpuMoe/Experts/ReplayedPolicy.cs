namespace CpuMoe.Experts;

/// <summary>The policy that the engine uses.</summary>
internal sealed class ReplayedPolicy(int keys, int capacity, int usesPerToken) : IReplayedCache
{
    private readonly ExpertCachePolicy _policy = new(keys, capacity, usesPerToken);
    private readonly List<int> _leased = [];

    /// <inheritdoc/>
    public int Serve(ReadOnlySpan<int> keys, bool scan)
    {
        int misses = 0;
        foreach (int key in keys)
        {
            if (_policy.Touch(key, scan))
            {
                Lease(_policy.SlotOf(key), scan);
            }
        }

        foreach (int key in keys)
        {
            if (_policy.SlotOf(key) < 0)
            {
                misses++;
                Lease(Admit(key, scan), scan);
            }
        }

        ReleaseAll();
        return misses;
    }

    private int Admit(int key, bool scan)
    {
        int slot = _policy.Admit(key, scan, out _);
        if (slot < 0)
        {
            // More experts than slots: the engine computes what it has before it reads more.
            ReleaseAll();
            slot = _policy.Admit(key, scan, out _);
        }

        return slot;
    }

    // Prefill computes expert by expert and holds none longer.
    private void Lease(int slot, bool scan)
    {
        if (!scan)
        {
            _policy.Lease(slot);
            _leased.Add(slot);
        }
    }

    private void ReleaseAll()
    {
        _leased.ForEach(_policy.Release);
        _leased.Clear();
    }
}
