namespace CpuMoe.Experts;

/// <summary>Placeholder of the helper's policy.</summary>
internal sealed class ExpertCachePolicy
{
    private readonly int[] _slotOf;
    private readonly int[] _keyOf;
    private readonly int[] _leases;
    private readonly LinkedList<int> _order = new(); // front = cold
    private readonly int _max;

    public ExpertCachePolicy(int capacity, int keys)
    {
        _slotOf = new int[keys];
        Array.Fill(_slotOf, -1);
        _keyOf = new int[capacity];
        Array.Fill(_keyOf, -1);
        _leases = new int[capacity];
        Capacity = _max = capacity;
    }

    public int Capacity { get; private set; }

    public int Count => _order.Count;

    public int SlotOf(int key) => _slotOf[key];

    public void Touch(int key, bool scan)
    {
        if (!scan)
        {
            _order.Remove(_slotOf[key]);
            _order.AddLast(_slotOf[key]);
        }
    }

    public int Admit(int key, bool scan, out int evictedKey)
    {
        evictedKey = -1;
        int slot = Array.FindIndex(_keyOf, 0, Capacity, k => k < 0);
        if (slot < 0)
        {
            LinkedListNode<int>? node = _order.First;
            while (node is not null && _leases[node.Value] > 0)
            {
                node = node.Next;
            }

            if (node is null)
            {
                return -1;
            }

            slot = node.Value;
            evictedKey = _keyOf[slot];
            _slotOf[evictedKey] = -1;
            _order.Remove(node);
        }

        _keyOf[slot] = key;
        _slotOf[key] = slot;
        if (scan)
        {
            _order.AddFirst(slot);
        }
        else
        {
            _order.AddLast(slot);
        }

        return slot;
    }

    public void Lease(int slot) => _leases[slot]++;

    public void Release(int slot) => _leases[slot]--;

    public bool IsLeased(int slot) => _leases[slot] > 0;

    public void Remove(int key)
    {
        int slot = _slotOf[key];
        _slotOf[key] = -1;
        _keyOf[slot] = -1;
        _order.Remove(slot);
    }

    public bool TryResize(int capacity)
    {
        if (Array.FindIndex(_leases, capacity, l => l > 0) >= 0 || capacity > _max)
        {
            return false;
        }

        for (int s = capacity; s < Capacity; s++)
        {
            if (_keyOf[s] >= 0)
            {
                Remove(_keyOf[s]);
            }
        }

        Capacity = capacity;
        return true;
    }

    public void CopyKeysTo(List<int> keys)
    {
        for (LinkedListNode<int>? node = _order.Last; node is not null; node = node.Previous)
        {
            keys.Add(_keyOf[node.Value]);
        }
    }
}
