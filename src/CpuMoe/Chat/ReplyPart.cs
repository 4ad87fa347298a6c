namespace CpuMoe.Chat;

/// <summary>A piece of an assistant's reply, in the order in which the model writes it.</summary>
public abstract record ReplyPart;

/// <summary>More of the thought before the answer; never empty.</summary>
public sealed record ReasoningPart(string Text) : ReplyPart;

/// <summary>More of the answer; never empty.</summary>
public sealed record ContentPart(string Text) : ReplyPart;

/// <summary>The model begins to call a tool.</summary>
/// <param name="Index">The number of the call within the reply, from 0.</param>
/// <param name="Id">Names the call within the conversation.</param>
/// <param name="Name">The name of the tool.</param>
public sealed record ToolCallStart(int Index, string Id, string Name) : ReplyPart;

/// <summary>More of a call's arguments: all pieces of a call together are the text of one JSON object.</summary>
public sealed record ToolArgumentsPart(int Index, string Json) : ReplyPart;

/// <summary>A call that has begun turned out malformed, or the reply ended within it: it is void.</summary>
/// <remarks>
/// The model's text of the call follows as a <see cref="ContentPart"/>, so nothing that it wrote is lost. The number of
/// the call is not used again.
/// </remarks>
public sealed record ToolCallFailed(int Index) : ReplyPart;

/// <summary>A call is complete; its arguments are the text of a JSON object.</summary>
public sealed record ToolCallEnd(int Index, ToolCall Call) : ReplyPart;
