namespace CpuMoe.Chat.Templates;

/// <summary>A chat template cannot be read, or cannot be rendered with what it was given.</summary>
public sealed class ChatTemplateException : Exception
{
    internal ChatTemplateException(string problem, SourcePosition at)
        : base($"chat template, line {at.Line}, column {at.Column}: {problem}")
    {
        Line = at.Line;
        Column = at.Column;
    }

    internal ChatTemplateException(string problem)
        : base(problem)
    {
    }

    /// <summary>The line of the template, from 1; 0 where the fault has no place in it.</summary>
    public int Line { get; }

    /// <summary>The column in UTF-16 units, from 1; 0 where the fault has no place in it.</summary>
    public int Column { get; }
}
