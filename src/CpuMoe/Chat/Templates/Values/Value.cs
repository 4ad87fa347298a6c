namespace CpuMoe.Chat.Templates;

/// <summary>A value in a template.</summary>
internal abstract class Value
{
    /// <summary>What it is, for faults.</summary>
    public abstract string Kind { get; }

    /// <summary>Whether it counts as true.</summary>
    public abstract bool IsTruthy { get; }

    /// <summary>The elements, keys or characters that a loop goes through; null for what has none.</summary>
    /// <remarks>A copy, where the value may change meanwhile.</remarks>
    public virtual IReadOnlyList<Value>? Elements(RenderBudget budget) => null;

    /// <summary>The number of elements; null for what has none.</summary>
    public virtual int? Count(RenderBudget budget) => null;
}
