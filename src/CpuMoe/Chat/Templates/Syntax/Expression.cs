namespace CpuMoe.Chat.Templates;

/// <summary>A part of a template that has a value.</summary>
internal abstract class Expression(SourcePosition position)
{
    /// <summary>Where it stands; of an operator, where the operator stands.</summary>
    public SourcePosition Position => position;

    /// <summary>The value.</summary>
    /// <exception cref="ChatTemplateException">There is none, or a limit is reached.</exception>
    public Value Evaluate(RenderContext context)
    {
        context.Budget.Enter(position);
        Value value = EvaluateCore(context);
        context.Budget.Leave();
        return value;
    }

    /// <summary>The value; faults after the evaluation of others first set the position back with <see cref="At"/>.</summary>
    protected abstract Value EvaluateCore(RenderContext context);

    /// <summary>Makes this the place of faults again.</summary>
    protected void At(RenderContext context) => context.Budget.Position = position;
}
