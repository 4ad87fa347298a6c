namespace CpuMoe.Chat.Templates;

/// <summary>What <c>namespace(...)</c> makes: its members can be set from inside loops.</summary>
internal sealed class NamespaceValue : Value
{
    private readonly Dictionary<string, Value> _members = new(StringComparer.Ordinal);

    public override string Kind => "a namespace";

    public override bool IsTruthy => true;

    /// <summary>A member, or null.</summary>
    public Value? Find(string name) => _members.GetValueOrDefault(name);

    /// <summary>Sets a member.</summary>
    public void Set(string name, Value value, RenderBudget budget)
    {
        budget.AllocateObjects(1);
        _members[name] = value;
    }
}
