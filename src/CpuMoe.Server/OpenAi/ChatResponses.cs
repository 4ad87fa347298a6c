using System.Text.Json.Serialization;

namespace CpuMoe.Server.OpenAi;

/// <summary>The whole answer of <c>/v1/chat/completions</c>.</summary>
internal sealed record ChatCompletion(string Id, long Created, string Model, string SystemFingerprint, ChatChoice[] Choices, Usage Usage, Timings Timings)
{
    public string Object { get; } = "chat.completion";
}

/// <summary>One of the answers.</summary>
internal sealed record ChatChoice(int Index, AssistantMessage Message, ChatLogprobs? Logprobs, string FinishReason);

/// <summary>What the model said; its content is null only where it calls tools.</summary>
internal sealed record AssistantMessage(
    string? Content,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ReasoningContent,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] CalledTool[]? ToolCalls,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] CalledFunction? FunctionCall)
{
    public string Role { get; } = "assistant";

    public string? Refusal { get; }
}

/// <summary>A complete call.</summary>
internal sealed record CalledTool(string Id, CalledFunction Function)
{
    public string Type { get; } = "function";
}

/// <summary>The name of a function and its arguments as JSON text.</summary>
internal sealed record CalledFunction(string Name, string Arguments);

/// <summary>A piece of a streamed answer.</summary>
internal record ChatChunk(string Id, long Created, string Model, string SystemFingerprint, ChunkChoice[] Choices)
{
    public string Object { get; } = "chat.completion.chunk";

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Timings? Timings { get; init; }
}

/// <summary>A piece of a streamed answer that ends with the usage; it is null in all pieces but the last.</summary>
internal sealed record ChatChunkWithUsage(string Id, long Created, string Model, string SystemFingerprint, ChunkChoice[] Choices, Usage? Usage)
    : ChatChunk(Id, Created, Model, SystemFingerprint, Choices);

/// <summary>A piece of one of the answers.</summary>
internal sealed record ChunkChoice(int Index, ChatDelta Delta, ChatLogprobs? Logprobs = null, string? FinishReason = null);

/// <summary>What is new; only what there is gets written.</summary>
internal sealed record ChatDelta
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Role { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Content { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ReasoningContent { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ToolCallDelta[]? ToolCalls { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FunctionDelta? FunctionCall { get; init; }
}

/// <summary>More of a call: id, type and name in its first piece only.</summary>
internal sealed record ToolCallDelta(
    int Index,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Id,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Type,
    FunctionDelta Function);

/// <summary>More of a call's function.</summary>
internal sealed record FunctionDelta([property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Name, string Arguments);

/// <summary>How likely the tokens of an answer were.</summary>
internal sealed record ChatLogprobs(LogprobEntry[] Content)
{
    public LogprobEntry[]? Refusal { get; }
}

/// <summary>A chosen token beside the likeliest ones.</summary>
internal sealed record LogprobEntry(string Token, float Logprob, int[] Bytes, TopLogprob[] TopLogprobs);

/// <summary>One of the likeliest tokens.</summary>
internal sealed record TopLogprob(string Token, float Logprob, int[] Bytes);
