using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using CpuMoe.Server.Hosting;
using CpuMoe.Server.Streaming;
using CpuMoe.Serving;

namespace CpuMoe.Server.Anthropic;

/// <summary>The whole answer, or its frame in a stream.</summary>
internal sealed record Message(string Id, string Model, ContentBlock[] Content, string? StopReason, string? StopSequence, MessageUsage Usage)
{
    public string Type { get; } = "message";

    public string Role { get; } = "assistant";
}

/// <summary>A block of the answer; only the members of its type are written.</summary>
internal sealed record ContentBlock(string Type)
{
    private static readonly JsonElement NoInput = JsonElement.Parse("{}");

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Text { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Thinking { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Signature { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Id { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Name { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonElement? Input { get; init; }

    /// <summary>A block as it begins in a stream.</summary>
    public static ContentBlock Begin(ReplyBlock block) => block.Kind switch
    {
        ReplyBlockKind.Thought => new ContentBlock("thinking") { Thinking = "", Signature = "" },
        ReplyBlockKind.Text => new ContentBlock("text") { Text = "" },
        _ => new ContentBlock("tool_use") { Id = RandomId.Create("toolu_"), Name = block.Name, Input = NoInput },
    };

    /// <summary>A block that is complete.</summary>
    public static ContentBlock Of(ReplyBlock block) => block.Kind switch
    {
        ReplyBlockKind.Thought => new ContentBlock("thinking") { Thinking = block.Text, Signature = SignatureOf(block) },
        ReplyBlockKind.Text => new ContentBlock("text") { Text = block.Text },
        _ => Begin(block) with { Input = JsonElement.Parse(block.Text) },
    };

    /// <summary>Clients send it back with the thought; nobody checks it here.</summary>
    public static string SignatureOf(ReplyBlock thought) => Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(thought.Text)));
}

/// <summary>The tokens of a request; those of the prompt are the sum of the first three.</summary>
internal sealed record MessageUsage(int InputTokens, int CacheCreationInputTokens, int CacheReadInputTokens, int OutputTokens)
{
    /// <summary>The tokens of a reply that is complete.</summary>
    public static MessageUsage Of(ChatUsage usage) => new(usage.PromptTokens - usage.CachedTokens, 0, usage.CachedTokens, usage.CompletionTokens);
}

/// <summary>The answer of <c>/v1/messages/count_tokens</c>.</summary>
internal sealed record TokenCount(int InputTokens);

/// <summary>An event of a stream; its name is its type.</summary>
internal abstract record MessageEvent(string Type);

/// <summary>The answer begins.</summary>
internal sealed record MessageStart(Message Message) : MessageEvent("message_start");

/// <summary>A sign of life.</summary>
internal sealed record Ping() : MessageEvent("ping");

/// <summary>A block begins.</summary>
internal sealed record BlockStart(int Index, ContentBlock ContentBlock) : MessageEvent("content_block_start");

/// <summary>There is more of a block.</summary>
internal sealed record BlockDelta(int Index, ContentDelta Delta) : MessageEvent("content_block_delta");

/// <summary>A block ends.</summary>
internal sealed record BlockStop(int Index) : MessageEvent("content_block_stop");

/// <summary>Why the answer ended, and what it took.</summary>
internal sealed record MessageDelta(StopDelta Delta, MessageUsage Usage) : MessageEvent("message_delta");

/// <summary>The answer is complete.</summary>
internal sealed record MessageStop() : MessageEvent("message_stop");

/// <summary>What is new of a block; only the member of its type is written.</summary>
internal sealed record ContentDelta(string Type)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Text { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Thinking { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Signature { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? PartialJson { get; init; }

    /// <summary>More of a block's text.</summary>
    public static ContentDelta Of(ReplyBlockKind kind, string text) => kind switch
    {
        ReplyBlockKind.Thought => new ContentDelta("thinking_delta") { Thinking = text },
        ReplyBlockKind.Text => new ContentDelta("text_delta") { Text = text },
        _ => new ContentDelta("input_json_delta") { PartialJson = text },
    };
}

/// <summary>Why an answer ended.</summary>
internal sealed record StopDelta(string StopReason, string? StopSequence)
{
    /// <summary>The words for the end of a reply.</summary>
    public static StopDelta Of(ChatFinish finish) => finish switch
    {
        { Reason: ChatFinishReason.ToolCalls } => new StopDelta("tool_use", null),
        { Reason: ChatFinishReason.Length } => new StopDelta("max_tokens", null),
        { StopString: { } stop } => new StopDelta("stop_sequence", stop),
        _ => new StopDelta("end_turn", null),
    };
}
