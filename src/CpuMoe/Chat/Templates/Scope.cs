namespace CpuMoe.Chat.Templates;

/// <summary>The variables of a template, a macro or a loop; what is not here is looked up outside.</summary>
internal sealed class Scope(Scope? outer)
{
    /// <summary>How many objects it counts for in the budget.</summary>
    public const int Objects = 4;

    private readonly Dictionary<string, Value> _variables = new(StringComparer.Ordinal);

    private Scope? Outer { get; } = outer;

    /// <summary>The value of a name, or null.</summary>
    public Value? Find(string name)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._variables.TryGetValue(name, out Value? value))
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>Sets a variable here, hiding one outside.</summary>
    public void Set(string name, Value value) => _variables[name] = value;

    /// <summary>Forgets the variables, for the next turn of a loop.</summary>
    public void Clear() => _variables.Clear();
}
