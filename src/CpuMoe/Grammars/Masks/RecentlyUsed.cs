using System.Diagnostics.CodeAnalysis;

namespace CpuMoe.Grammars.Masks;

/// <summary>A dictionary of limited size; what was not used for longest makes room.</summary>
/// <param name="capacity">The most entries.</param>
/// <param name="comparer">When two keys are the same; null where only an object itself is.</param>
internal sealed class RecentlyUsed<TKey, TValue>(int capacity, IEqualityComparer<TKey>? comparer = null)
    where TKey : class
{
    private readonly Dictionary<TKey, LinkedListNode<(TKey Key, TValue Value)>> _nodes = new(comparer ?? ReferenceEqualityComparer.Instance);
    private readonly LinkedList<(TKey Key, TValue Value)> _order = [];

    /// <summary>Finds an entry and marks it as used.</summary>
    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        bool isKnown = _nodes.TryGetValue(key, out LinkedListNode<(TKey Key, TValue Value)>? node);
        value = isKnown ? node!.Value.Value : default;
        if (isKnown && node != _order.First)
        {
            _order.Remove(node!);
            _order.AddFirst(node!);
        }

        return isKnown;
    }

    /// <summary>Adds an entry that is not there yet.</summary>
    public void Add(TKey key, TValue value)
    {
        if (_nodes.Count == capacity)
        {
            _nodes.Remove(_order.Last!.Value.Key);
            _order.RemoveLast();
        }

        _nodes.Add(key, _order.AddFirst((key, value)));
    }

    /// <summary>Removes all entries.</summary>
    public void Clear()
    {
        _nodes.Clear();
        _order.Clear();
    }
}
