namespace CpuMoe.Chat.Templates;

/// <summary>How a statement ends.</summary>
internal enum Flow
{
    /// <summary>The next statement follows.</summary>
    Next,

    /// <summary>The innermost loop goes on with its next item.</summary>
    Continue,

    /// <summary>The innermost loop ends.</summary>
    Break,
}

/// <summary>A part of a template that does something.</summary>
internal abstract class Statement(SourcePosition position)
{
    /// <summary>Does it.</summary>
    /// <exception cref="ChatTemplateException">It cannot be done, or a limit is reached.</exception>
    public Flow Execute(RenderContext context)
    {
        context.Budget.Enter(position);
        Flow flow = ExecuteCore(context);
        context.Budget.Leave();
        return flow;
    }

    protected abstract Flow ExecuteCore(RenderContext context);

    /// <summary>Makes this the place of faults again.</summary>
    protected void At(RenderContext context) => context.Budget.Position = position;
}

/// <summary>Statements in order.</summary>
internal sealed class Block(List<Statement> statements, SourcePosition position) : Statement(position)
{
    protected override Flow ExecuteCore(RenderContext context)
    {
        foreach (Statement statement in statements)
        {
            if (statement.Execute(context) is var flow and not Flow.Next)
            {
                return flow;
            }
        }

        return Flow.Next;
    }
}

/// <summary>Text outside of tags.</summary>
internal sealed class TextOutput(string text, SourcePosition position) : Statement(position)
{
    protected override Flow ExecuteCore(RenderContext context)
    {
        context.Output.AppendTrusted(text);
        return Flow.Next;
    }
}

/// <summary><c>{{ value }}</c>.</summary>
internal sealed class ValueOutput(Expression value, SourcePosition position) : Statement(position)
{
    protected override Flow ExecuteCore(RenderContext context)
    {
        Value printed = value.Evaluate(context);
        At(context);
        Printing.Print(printed, context.Output, context);
        return Flow.Next;
    }
}

/// <summary><c>{% if %}</c> with its branches; an <c>else</c> is a branch that is always taken.</summary>
internal sealed class If(List<(Expression? Condition, Block Body)> branches, SourcePosition position) : Statement(position)
{
    protected override Flow ExecuteCore(RenderContext context)
    {
        foreach ((Expression? condition, Block body) in branches)
        {
            if (condition is null || condition.Evaluate(context).IsTruthy)
            {
                return body.Execute(context);
            }
        }

        return Flow.Next;
    }
}

/// <summary><c>{% break %}</c>, <c>{% continue %}</c>.</summary>
internal sealed class Jump(Flow flow, SourcePosition position) : Statement(position)
{
    protected override Flow ExecuteCore(RenderContext context) => flow;
}
