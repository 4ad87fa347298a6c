namespace CpuMoe.Chat.Templates;

/// <summary>The state of one rendering.</summary>
internal sealed class RenderContext(RenderBudget budget, Scope globals, TimeProvider clock)
{
    /// <summary>What may still be used.</summary>
    public RenderBudget Budget => budget;

    /// <summary>Where <c>strftime_now</c> gets the time.</summary>
    public TimeProvider Clock => clock;

    /// <summary>Where text goes.</summary>
    public TextValueBuilder Output { get; private set; } = new(budget);

    /// <summary>The innermost variables.</summary>
    public Scope Scope { get; set; } = globals;

    /// <summary>A fault of the node in evaluation.</summary>
    public ChatTemplateException Fault(string problem) => budget.Fault(problem);

    /// <summary>Executes and takes the text instead of putting it out.</summary>
    public TextValue Capture(Scope scope, Block body)
    {
        (TextValueBuilder output, Scope outside) = (Output, Scope);
        (Output, Scope) = (new TextValueBuilder(budget), scope);
        body.Execute(this);
        TextValue text = Output.ToValue();
        (Output, Scope) = (output, outside);
        return text;
    }
}
