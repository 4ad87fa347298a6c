namespace CpuMoe.Chat.Templates;

/// <summary><c>{% set target = value %}</c>.</summary>
internal sealed class Set(Target target, Expression value, SourcePosition position) : Statement(position)
{
    protected override Flow ExecuteCore(RenderContext context)
    {
        Value result = value.Evaluate(context);
        At(context);
        target.Assign(result, context.Scope, context);
        return Flow.Next;
    }
}

/// <summary>The text that a block puts out, as a value: of <c>{% set %} … {% endset %}</c> and <c>{% filter %}</c>.</summary>
internal sealed class CapturedBlock(SourcePosition position) : Expression(position)
{
    /// <summary>What puts the text out; read after the filters that take it.</summary>
    public Block Body { get; set; } = new([], position);

    protected override Value EvaluateCore(RenderContext context)
    {
        context.Budget.AllocateObjects(Scope.Objects);
        return context.Capture(new Scope(context.Scope), Body);
    }
}

/// <summary><c>{% macro name(parameters) %}</c>.</summary>
/// <param name="name">Its name; that of a <c>call</c> block is <c>caller</c>.</param>
/// <param name="parameters">The names with their default values.</param>
/// <param name="body">What it puts out.</param>
/// <param name="position">Where it stands.</param>
internal sealed class Macro(string name, List<KeyValuePair<string, Expression?>> parameters, Block body, SourcePosition position) : Statement(position)
{
    /// <summary>The call block given to a macro.</summary>
    public const string Caller = "caller";

    private readonly string[] _names = [.. parameters.Select(parameter => parameter.Key), Caller];

    /// <summary>The macro with the variables of the place where it is defined.</summary>
    public FunctionValue Bind(RenderContext context)
    {
        Scope outside = context.Scope;
        context.Budget.AllocateObjects(1);
        return new FunctionValue(name, (arguments, caller) => Invoke(arguments, outside, caller));
    }

    protected override Flow ExecuteCore(RenderContext context)
    {
        context.Scope.Set(name, Bind(context));
        return Flow.Next;
    }

    private TextValue Invoke(Arguments arguments, Scope outside, RenderContext context)
    {
        if (arguments.Positional.Count > parameters.Count)
        {
            throw context.Fault($"the macro '{name}' takes at most {parameters.Count} arguments, not {arguments.Positional.Count}");
        }

        Value?[] values = arguments.Bind($"the macro '{name}'", _names, context);
        context.Budget.AllocateObjects(Scope.Objects + values.Length);
        Scope inside = new(outside);
        Scope before = context.Scope;
        context.Scope = inside; // Default values see the parameters before them.
        for (int i = 0; i < parameters.Count; i++)
        {
            inside.Set(_names[i], values[i] ?? parameters[i].Value?.Evaluate(context) ?? new UndefinedValue(_names[i]));
        }

        if (values[^1] is { } callBlock)
        {
            inside.Set(Caller, callBlock);
        }

        context.Scope = before;
        return context.Capture(inside, body);
    }
}

/// <summary><c>{% call f(x) %} … {% endcall %}</c>: calls a macro that may call the block with <c>caller()</c>.</summary>
internal sealed class CallBlock(Call call, Macro caller, SourcePosition position) : Statement(position)
{
    protected override Flow ExecuteCore(RenderContext context)
    {
        Value value = call.Invoke(new(Macro.Caller, caller.Bind(context)), context);
        At(context);
        Printing.Print(value, context.Output, context);
        return Flow.Next;
    }
}
