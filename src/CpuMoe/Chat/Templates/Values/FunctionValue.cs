namespace CpuMoe.Chat.Templates;

/// <summary>Something that can be called: a macro, a global function, or a method with the value it belongs to.</summary>
/// <param name="name">Its name.</param>
/// <param name="invoke">What it does.</param>
internal sealed class FunctionValue(string name, Func<Arguments, RenderContext, Value> invoke) : Value
{
    public override string Kind => $"the function '{name}'";

    public override bool IsTruthy => true;

    /// <summary>Calls it.</summary>
    public Value Invoke(Arguments arguments, RenderContext context) => invoke(arguments, context);
}
