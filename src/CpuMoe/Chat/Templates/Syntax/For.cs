namespace CpuMoe.Chat.Templates;

/// <summary><c>{% for target in items if condition %} … {% else %} … {% endfor %}</c>.</summary>
internal sealed class For(Target target, Expression items, Expression? condition, Block body, Block? otherwise, SourcePosition position)
    : Statement(position)
{
    protected override Flow ExecuteCore(RenderContext context)
    {
        Value source = items.Evaluate(context);
        At(context);
        IReadOnlyList<Value> elements = source.Elements(context.Budget) ?? throw context.Fault($"{source.Kind} has no elements to go through");
        Scope outside = context.Scope;
        context.Budget.AllocateObjects(Scope.Objects);
        Scope inside = new(outside);
        if (condition is not null)
        {
            elements = Filter(elements, inside, context);
        }

        if (elements.Count == 0)
        {
            return otherwise?.Execute(context) ?? Flow.Next;
        }

        LoopValue loop = new(elements);
        for (int i = 0; i < elements.Count; i++)
        {
            loop.Index = i;
            inside.Clear();
            inside.Set("loop", loop);
            At(context);
            context.Budget.Step();
            target.Assign(elements[i], inside, context);
            context.Scope = inside;
            Flow flow = body.Execute(context);
            context.Scope = outside;
            if (flow == Flow.Break)
            {
                break;
            }
        }

        return Flow.Next;
    }

    /// <summary>The elements that meet the condition; only these count for <c>loop</c>.</summary>
    private List<Value> Filter(IReadOnlyList<Value> elements, Scope inside, RenderContext context)
    {
        List<Value> filtered = [];
        Scope outside = context.Scope;
        context.Budget.AllocateEntries(elements.Count);
        foreach (Value element in elements)
        {
            inside.Clear();
            target.Assign(element, inside, context);
            context.Scope = inside;
            if (condition!.Evaluate(context).IsTruthy)
            {
                filtered.Add(element);
            }

            context.Scope = outside;
        }

        return filtered;
    }
}
