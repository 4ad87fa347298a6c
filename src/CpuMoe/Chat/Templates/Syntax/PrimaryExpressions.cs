namespace CpuMoe.Chat.Templates;

/// <summary>A value written out.</summary>
internal sealed class Literal(Value value, SourcePosition position) : Expression(position)
{
    protected override Value EvaluateCore(RenderContext context) => value;
}

/// <summary>A variable.</summary>
internal sealed class Variable(string name, SourcePosition position) : Expression(position)
{
    protected override Value EvaluateCore(RenderContext context) => context.Scope.Find(name) ?? new UndefinedValue(name);
}

/// <summary><c>[a, b]</c> or <c>(a, b)</c>.</summary>
internal sealed class ListDisplay(List<Expression> items, bool isTuple, SourcePosition position) : Expression(position)
{
    protected override Value EvaluateCore(RenderContext context)
    {
        context.Budget.AllocateEntries(items.Count);
        List<Value> values = new(items.Count);
        foreach (Expression item in items)
        {
            values.Add(item.Evaluate(context));
        }

        return new ListValue(values, isTuple);
    }
}

/// <summary><c>{a: b}</c>.</summary>
internal sealed class MapDisplay(List<KeyValuePair<Expression, Expression>> entries, SourcePosition position) : Expression(position)
{
    protected override Value EvaluateCore(RenderContext context)
    {
        context.Budget.AllocateEntries(0);
        MapValue map = new();
        foreach ((Expression key, Expression value) in entries)
        {
            Value name = key.Evaluate(context), entry = value.Evaluate(context);
            At(context);
            map.Set(name, entry, context.Budget);
        }

        return map;
    }
}

/// <summary><c>a if condition else b</c>.</summary>
internal sealed class Conditional(Expression condition, Expression then, Expression? otherwise, SourcePosition position) : Expression(position)
{
    protected override Value EvaluateCore(RenderContext context) =>
        condition.Evaluate(context).IsTruthy ? then.Evaluate(context) : otherwise?.Evaluate(context) ?? UndefinedValue.WithoutElse;
}
