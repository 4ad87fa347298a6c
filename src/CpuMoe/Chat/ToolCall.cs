namespace CpuMoe.Chat;

/// <summary>A call of a tool that the model made.</summary>
/// <param name="Id">Names the call within the conversation, so that its result can be told from others.</param>
/// <param name="Name">The name of the tool.</param>
/// <param name="Arguments">The arguments as the text of a JSON object, by name.</param>
public sealed record ToolCall(string Id, string Name, string Arguments);
