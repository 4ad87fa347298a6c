namespace CpuMoe.Chat.Templates;

/// <summary>A list or, if it cannot change, a tuple.</summary>
internal sealed class ListValue(List<Value> items, bool isTuple = false) : Value
{
    public override string Kind => isTuple ? "a tuple" : "a list";

    public override bool IsTruthy => items.Count > 0;

    /// <summary>Whether it cannot change.</summary>
    public bool IsTuple => isTuple;

    /// <summary>The elements.</summary>
    public List<Value> Items => items;

    public override int? Count(RenderBudget budget) => items.Count;

    public override IReadOnlyList<Value> Elements(RenderBudget budget)
    {
        if (isTuple)
        {
            return items;
        }

        budget.AllocateEntries(items.Count);
        return [.. items];
    }
}
