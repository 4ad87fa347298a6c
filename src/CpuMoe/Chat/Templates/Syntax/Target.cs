namespace CpuMoe.Chat.Templates;

/// <summary>Where <c>set</c> and <c>for</c> put a value.</summary>
internal abstract class Target
{
    /// <summary>Puts it there.</summary>
    public abstract void Assign(Value value, Scope scope, RenderContext context);
}

/// <summary>A variable.</summary>
internal sealed class VariableTarget(string name) : Target
{
    public override void Assign(Value value, Scope scope, RenderContext context)
    {
        context.Budget.AllocateEntries(0);
        scope.Set(name, value);
    }
}

/// <summary>A member of a namespace.</summary>
internal sealed class MemberTarget(string name, string member) : Target
{
    public override void Assign(Value value, Scope scope, RenderContext context)
    {
        if (scope.Find(name) is not NamespaceValue space)
        {
            throw context.Fault($"only members of a namespace can be set, and '{name}' is none");
        }

        space.Set(member, value, context.Budget);
    }
}

/// <summary>Several variables, one for each element.</summary>
internal sealed class TupleTarget(List<Target> targets) : Target
{
    public override void Assign(Value value, Scope scope, RenderContext context)
    {
        IReadOnlyList<Value> elements = value.Elements(context.Budget) ?? throw context.Fault($"{value.Kind} cannot be taken apart");
        if (elements.Count != targets.Count)
        {
            throw context.Fault($"{elements.Count} values cannot be given to {targets.Count} names");
        }

        for (int i = 0; i < targets.Count; i++)
        {
            targets[i].Assign(elements[i], scope, context);
        }
    }
}
