namespace CpuMoe.Experts;

/// <summary>Evicts what was used least recently; prefill is a use like any other.</summary>
internal sealed class ReplayedLru : IReplayedCache
{
    // A ring of keys by age: before and after are neighbours, the entry behind the last key is the ring's end.
    private readonly int[] _before;
    private readonly int[] _after;
    private readonly bool[] _resident;
    private readonly int _end;
    private readonly int _capacity;
    private int _count;

    public ReplayedLru(int keys, int capacity)
    {
        _before = new int[keys + 1];
        _after = new int[keys + 1];
        _resident = new bool[keys];
        _end = keys;
        _capacity = capacity;
        _before[_end] = _after[_end] = _end;
    }

    /// <inheritdoc/>
    public int Serve(ReadOnlySpan<int> keys, bool scan)
    {
        int misses = 0;
        foreach (int key in keys)
        {
            if (_resident[key])
            {
                Unlink(key);
                LinkNewest(key);
            }
            else
            {
                misses++;
            }
        }

        // Those served above are newer than all others, so that the missing ones cannot evict them.
        foreach (int key in keys)
        {
            if (!_resident[key])
            {
                Admit(key);
            }
        }

        return misses;
    }

    private void Admit(int key)
    {
        if (_count == _capacity)
        {
            int oldest = _before[_end];
            Unlink(oldest);
            _resident[oldest] = false;
        }
        else
        {
            _count++;
        }

        _resident[key] = true;
        LinkNewest(key);
    }

    private void Unlink(int key)
    {
        _after[_before[key]] = _after[key];
        _before[_after[key]] = _before[key];
    }

    private void LinkNewest(int key)
    {
        int newest = _after[_end];
        _after[_end] = key;
        _before[key] = _end;
        _after[key] = newest;
        _before[newest] = key;
    }
}
