namespace CpuMoe.Chat;

/// <summary>One message of a conversation.</summary>
/// <param name="Role">Who speaks.</param>
/// <param name="Content">The text; empty where an assistant only calls tools.</param>
/// <param name="Reasoning">The thought before an assistant's text, if any; where null, a thought may stand in the text as <c>&lt;think&gt;…&lt;/think&gt;</c>.</param>
public sealed record ChatMessage(ChatRole Role, string Content, string? Reasoning = null)
{
    /// <summary>The tools that an assistant calls after the text.</summary>
    public IReadOnlyList<ToolCall> ToolCalls { get; init; } = [];

    /// <summary>Of a tool's result: the <see cref="ToolCall.Id"/> of the call that it answers, if known.</summary>
    public string? ToolCallId { get; init; }

    /// <summary>Of a tool's result: the name of the tool, if known.</summary>
    public string? ToolName { get; init; }
}
