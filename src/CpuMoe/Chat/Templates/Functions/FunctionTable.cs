using System.Diagnostics.CodeAnalysis;

namespace CpuMoe.Chat.Templates;

/// <summary>A filter, a test or a method with the arguments as they were given.</summary>
/// <param name="self">The value it is applied to.</param>
/// <param name="arguments">The arguments.</param>
/// <param name="context">The rendering.</param>
internal delegate Value TemplateFunction(Value self, Arguments arguments, RenderContext context);

/// <summary>A filter, a test or a method with the values of its parameters, null for those not given.</summary>
internal delegate Value FunctionBody(Value self, Value?[] values, RenderContext context);

/// <summary>Filters, tests or methods by name.</summary>
/// <param name="kind">What they are, for faults.</param>
internal sealed class FunctionTable(string kind)
{
    private readonly Dictionary<string, TemplateFunction> _functions = new(StringComparer.Ordinal);

    /// <summary>Finds a function.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out TemplateFunction? function) => _functions.TryGetValue(name, out function);

    /// <summary>Adds a function that takes any arguments.</summary>
    public void AddVariadic(string name, TemplateFunction function) => _functions.Add(name, function);

    /// <summary>Adds a function without parameters.</summary>
    public void Add(string name, Func<Value, RenderContext, Value> body) => Add(name, 0, [], (self, _, context) => body(self, context));

    /// <summary>Adds a function.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="required">How many of the parameters must be given.</param>
    /// <param name="parameters">Their names in order.</param>
    /// <param name="body">What it does.</param>
    public void Add(string name, int required, string[] parameters, FunctionBody body) => AddVariadic(name, (self, arguments, context) =>
    {
        Value?[] values = arguments.Bind($"the {kind} '{name}'", parameters, context);
        int missing = Array.IndexOf(values, null, 0, required);
        return missing < 0 ? body(self, values, context) : throw context.Fault($"the {kind} '{name}' needs the argument '{parameters[missing]}'");
    });

    /// <summary>Adds another name of a function.</summary>
    public void AddAlias(string alias, string name) => _functions.Add(alias, _functions[name]);
}
