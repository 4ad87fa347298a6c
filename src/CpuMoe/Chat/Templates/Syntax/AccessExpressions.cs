namespace CpuMoe.Chat.Templates;

/// <summary><c>a.name</c>: a method, else an entry.</summary>
internal sealed class MemberAccess(Expression target, string name, SourcePosition position) : Expression(position)
{
    private readonly TextValue _key = TextValue.Trusted(name);

    protected override Value EvaluateCore(RenderContext context)
    {
        Value value = target.Evaluate(context);
        At(context);
        return Access.Member(value, _key, context);
    }
}

/// <summary><c>a[index]</c>: an element or an entry, else a method.</summary>
internal sealed class Subscript(Expression target, Expression index, SourcePosition position) : Expression(position)
{
    protected override Value EvaluateCore(RenderContext context)
    {
        Value value = target.Evaluate(context), at = index.Evaluate(context);
        At(context);
        return Access.Element(value, at, context);
    }
}

/// <summary><c>a[start:stop:step]</c>.</summary>
internal sealed class Slice(Expression target, Expression? start, Expression? stop, Expression? step, SourcePosition position) : Expression(position)
{
    protected override Value EvaluateCore(RenderContext context)
    {
        Value value = target.Evaluate(context);
        Value? from = start?.Evaluate(context), to = stop?.Evaluate(context), by = step?.Evaluate(context);
        At(context);
        return Access.Slice(value, from, to, by, context);
    }
}

/// <summary>The arguments of a call, a filter or a test.</summary>
internal sealed record ArgumentList(IReadOnlyList<Expression> Positional, IReadOnlyList<KeyValuePair<string, Expression>> Named)
{
    public static readonly ArgumentList None = new([], []);

    /// <summary>Evaluates them.</summary>
    public Arguments Evaluate(RenderContext context)
    {
        if (Positional.Count == 0 && Named.Count == 0)
        {
            return Arguments.None;
        }

        context.Budget.AllocateEntries(Positional.Count + (2L * Named.Count));
        var positional = new Value[Positional.Count];
        for (int i = 0; i < positional.Length; i++)
        {
            positional[i] = Positional[i].Evaluate(context);
        }

        var named = new KeyValuePair<string, Value>[Named.Count];
        for (int i = 0; i < named.Length; i++)
        {
            named[i] = new(Named[i].Key, Named[i].Value.Evaluate(context));
        }

        return new Arguments(positional, named);
    }
}

/// <summary><c>f(x, name=y)</c>.</summary>
internal sealed class Call(Expression target, ArgumentList arguments, SourcePosition position) : Expression(position)
{
    /// <summary>Calls with one more argument.</summary>
    public Value Invoke(KeyValuePair<string, Value> argument, RenderContext context) => Invoke([argument], context);

    protected override Value EvaluateCore(RenderContext context) => Invoke([], context);

    private Value Invoke(ReadOnlySpan<KeyValuePair<string, Value>> more, RenderContext context)
    {
        Value callee = target.Evaluate(context);
        Arguments values = arguments.Evaluate(context);
        values = more.IsEmpty ? values : values with { Named = [.. values.Named, .. more] };
        At(context);
        return callee switch
        {
            FunctionValue function => function.Invoke(values, context),
            UndefinedValue undefined => throw context.Fault($"there is no function '{undefined.Name}'"),
            _ => throw context.Fault($"{callee.Kind} cannot be called"),
        };
    }
}

/// <summary><c>a | filter(x)</c>, and <c>{% filter %}</c> with its text for <c>a</c>.</summary>
internal sealed class FilterCall(Expression target, TemplateFunction filter, ArgumentList arguments, SourcePosition position) : Expression(position)
{
    protected override Value EvaluateCore(RenderContext context)
    {
        Value value = target.Evaluate(context);
        Arguments values = arguments.Evaluate(context);
        At(context);
        return filter(value, values, context);
    }
}

/// <summary><c>a is test(x)</c>, <c>a is not test</c>.</summary>
internal sealed class TestCall(Expression target, TemplateFunction test, ArgumentList arguments, bool isNegated, SourcePosition position) : Expression(position)
{
    protected override Value EvaluateCore(RenderContext context)
    {
        Value value = target.Evaluate(context);
        Arguments values = arguments.Evaluate(context);
        At(context);
        return BooleanValue.Of(test(value, values, context).IsTruthy != isNegated);
    }
}
