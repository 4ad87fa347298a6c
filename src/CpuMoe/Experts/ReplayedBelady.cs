namespace CpuMoe.Experts;

/// <summary>
/// The best that a cache which knows the future can do: it evicts what is needed last (L. A. Belady, A Study of
/// Replacement Algorithms for a Virtual-Storage Computer, IBM Systems Journal 5(2), 1966).
/// </summary>
/// <remarks>
/// The experts of a request may be served in any order: those that are resident come first, then the missing ones, those
/// needed again last before the others, for which they can make room (<see cref="ExpertReplay.NextUse"/>). The tests
/// compare with all orders and all evictions. O(log n) per access.
/// </remarks>
internal sealed class ReplayedBelady : IReplayedCache
{
    // When a key is needed again after it was served last. A heap entry of another time is out of date.
    private const int Absent = -1;

    private readonly ExpertReplay _replay;
    private readonly int[] _nextUse;
    private readonly PriorityQueue<int, int> _latest = new(Comparer<int>.Create((x, y) => y.CompareTo(x)));
    private readonly List<(int NextUse, int Key)> _missing = [];
    private readonly int _capacity;
    private int _count;
    private int _access;

    public ReplayedBelady(ExpertReplay replay, int capacity)
    {
        _replay = replay;
        _nextUse = new int[replay.KeyCount];
        Array.Fill(_nextUse, Absent);
        _capacity = capacity;
    }

    /// <inheritdoc/>
    public int Serve(ReadOnlySpan<int> keys, bool scan)
    {
        _missing.Clear();
        foreach (int key in keys)
        {
            int nextUse = _replay.NextUse[_access++];
            if (_nextUse[key] == Absent)
            {
                _missing.Add((nextUse, key));
            }
            else
            {
                Place(key, nextUse);
            }
        }

        _missing.Sort();
        for (int i = _missing.Count - 1; i >= 0; i--)
        {
            if (_count == _capacity)
            {
                Evict();
            }

            _count++;
            Place(_missing[i].Key, _missing[i].NextUse);
        }

        return _missing.Count;
    }

    private void Place(int key, int nextUse)
    {
        _nextUse[key] = nextUse;
        _latest.Enqueue(key, nextUse);
    }

    private void Evict()
    {
        while (_latest.TryDequeue(out int key, out int nextUse))
        {
            if (_nextUse[key] == nextUse)
            {
                _nextUse[key] = Absent;
                _count--;
                return;
            }
        }
    }
}
