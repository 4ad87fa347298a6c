namespace CpuMoe.Chat.Templates;

/// <summary>The variable <c>loop</c> in the body of a <c>for</c>.</summary>
internal sealed class LoopValue(IReadOnlyList<Value> items) : Value
{
    public override string Kind => "a loop";

    public override bool IsTruthy => true;

    /// <summary>The place of the present item, from 0.</summary>
    public int Index { get; set; }

    /// <summary>A member, or null.</summary>
    public Value? Find(string name) => name switch
    {
        "index" => new IntegerValue(Index + 1),
        "index0" => new IntegerValue(Index),
        "revindex" => new IntegerValue(items.Count - Index),
        "revindex0" => new IntegerValue(items.Count - Index - 1),
        "first" => BooleanValue.Of(Index == 0),
        "last" => BooleanValue.Of(Index == items.Count - 1),
        "length" => new IntegerValue(items.Count),
        "previtem" => Index > 0 ? items[Index - 1] : new UndefinedValue("loop.previtem"),
        "nextitem" => Index < items.Count - 1 ? items[Index + 1] : new UndefinedValue("loop.nextitem"),
        "cycle" => new FunctionValue("cycle", Cycle),
        _ => null,
    };

    private Value Cycle(Arguments arguments, RenderContext context) =>
        arguments.Positional is { Count: > 0 } values ? values[Index % values.Count] : throw context.Fault("cycle() needs values");
}
