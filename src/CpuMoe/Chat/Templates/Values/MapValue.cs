using System.Diagnostics.CodeAnalysis;

namespace CpuMoe.Chat.Templates;

/// <summary>A map from strings, numbers, booleans and none to values, in the order of insertion.</summary>
internal sealed class MapValue : Value
{
    private readonly OrderedDictionary<Value, Value> _entries = new(ScalarComparer.Instance);

    public override string Kind => "a mapping";

    public override bool IsTruthy => _entries.Count > 0;

    /// <summary>
    /// The JSON text that it was read from, where templates may want that in its place: the arguments of a tool call are
    /// a text in some formats and a mapping in others. Printed or joined to text, the map is this text.
    /// </summary>
    public TextValue? Source { get; set; }

    /// <summary>The entries in order.</summary>
    public IReadOnlyList<KeyValuePair<Value, Value>> Entries => _entries;

    /// <summary>Sets an entry of a map made by the engine.</summary>
    public Value this[string key]
    {
        set => _entries[TextValue.Trusted(key)] = value;
    }

    /// <summary>Sets an entry whose key comes from outside.</summary>
    public void SetOutside(string key, Value value) => _entries[TextValue.Outside(key)] = value;

    public override int? Count(RenderBudget budget) => _entries.Count;

    public override IReadOnlyList<Value> Elements(RenderBudget budget)
    {
        budget.AllocateEntries(_entries.Count);
        return [.. _entries.Keys];
    }

    /// <summary>Finds an entry; a key that cannot be one has none.</summary>
    public bool TryGet(Value key, RenderBudget budget, [NotNullWhen(true)] out Value? value)
    {
        budget.Hash(key);
        value = null;
        return ScalarComparer.IsScalar(key) && _entries.TryGetValue(key, out value);
    }

    /// <summary>Sets an entry.</summary>
    public void Set(Value key, Value value, RenderBudget budget)
    {
        if (!ScalarComparer.IsScalar(key))
        {
            throw budget.Fault($"{key.Kind} cannot be a key of a mapping");
        }

        budget.Hash(key);
        budget.AllocateObjects(1);
        _entries[key] = value;
    }

    /// <summary>Removes an entry.</summary>
    public bool Remove(Value key) => ScalarComparer.IsScalar(key) && _entries.Remove(key);
}
