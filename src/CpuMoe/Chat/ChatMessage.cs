namespace CpuMoe.Chat;

/// <summary>One message of a conversation.</summary>
/// <param name="Role">Who speaks.</param>
/// <param name="Content">The text.</param>
/// <param name="Reasoning">The thought before an assistant's text, if any; where null, a thought may stand in the text as <c>&lt;think&gt;…&lt;/think&gt;</c>.</param>
public sealed record ChatMessage(ChatRole Role, string Content, string? Reasoning = null);
