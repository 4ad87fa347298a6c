namespace CpuMoe.Chat.Templates;

/// <summary>The arguments of a call.</summary>
/// <param name="Positional">Those without a name.</param>
/// <param name="Named">Those with a name, in order.</param>
internal sealed record Arguments(IReadOnlyList<Value> Positional, IReadOnlyList<KeyValuePair<string, Value>> Named)
{
    public static readonly Arguments None = new([], []);

    /// <summary>Assigns the arguments to parameters; what was not given is null.</summary>
    /// <param name="function">What is called, for faults.</param>
    /// <param name="parameters">The names in order.</param>
    /// <param name="context">The rendering.</param>
    public Value?[] Bind(string function, ReadOnlySpan<string> parameters, RenderContext context)
    {
        if (Positional.Count > parameters.Length)
        {
            throw context.Fault($"{function} takes at most {parameters.Length} arguments, not {Positional.Count}");
        }

        var values = new Value?[parameters.Length];
        for (int i = 0; i < Positional.Count; i++)
        {
            values[i] = Positional[i];
        }

        foreach ((string name, Value value) in Named)
        {
            int index = parameters.IndexOf(name);
            if (index < 0)
            {
                throw context.Fault($"{function} has no parameter '{name}'");
            }

            values[index] = values[index] is null ? value : throw context.Fault($"{function} is given '{name}' twice");
        }

        return values;
    }

    /// <summary>The arguments after the first ones.</summary>
    public Arguments Skip(int count) => this with { Positional = [.. Positional.Skip(count)] };
}
