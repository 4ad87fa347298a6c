using System.Text.Json;
using System.Text.Json.Serialization;
using CpuMoe.Server.Hosting;
using CpuMoe.Server.Streaming;
using CpuMoe.Serving;

namespace CpuMoe.Server.Responses;

/// <summary>An answer, at first empty and in progress.</summary>
internal sealed record Response(string Id, long CreatedAt, string Model)
{
    public string Object { get; } = "response";

    public string Status { get; init; } = "in_progress";

    public long? CompletedAt { get; init; }

    public ResponseError? Error { get; init; }

    public IncompleteDetails? IncompleteDetails { get; init; }

    public string? Instructions { get; init; }

    public int? MaxOutputTokens { get; init; }

    public OutputItem[] Output { get; init; } = [];

    public bool ParallelToolCalls { get; init; }

    public string? PreviousResponseId { get; }

    public JsonElement? Reasoning { get; init; }

    public bool Store { get; }

    public float Temperature { get; init; }

    public JsonElement Text { get; init; }

    public JsonElement ToolChoice { get; init; }

    public JsonElement Tools { get; init; }

    public float TopP { get; init; }

    public string Truncation { get; } = "disabled";

    public JsonElement Metadata { get; init; }

    public ResponseUsage? Usage { get; init; }

    /// <summary>The answer when it is complete.</summary>
    public Response Complete(OutputItem[] output, ChatFinish finish)
    {
        bool isCut = finish.Reason == ChatFinishReason.Length;
        return this with
        {
            Status = isCut ? "incomplete" : "completed",
            CompletedAt = isCut ? null : DateTimeOffset.UtcNow.ToUnixTimeSeconds(),
            IncompleteDetails = isCut ? new IncompleteDetails("max_output_tokens") : null,
            Output = output,
            Usage = ResponseUsage.Of(finish.Usage),
        };
    }
}

/// <summary>What went wrong after the answer had begun.</summary>
internal sealed record ResponseError(string Code, string Message);

/// <summary>Why an answer is incomplete.</summary>
internal sealed record IncompleteDetails(string Reason);

/// <summary>The tokens of a request.</summary>
internal sealed record ResponseUsage(int InputTokens, InputTokensDetails InputTokensDetails, int OutputTokens, OutputTokensDetails OutputTokensDetails, int TotalTokens)
{
    /// <summary>The tokens of a reply.</summary>
    public static ResponseUsage Of(ChatUsage usage) => new(
        usage.PromptTokens,
        new InputTokensDetails(usage.CachedTokens),
        usage.CompletionTokens,
        new OutputTokensDetails(usage.ReasoningTokens),
        usage.PromptTokens + usage.CompletionTokens);
}

/// <summary>Tokens of the prompt that were not evaluated again.</summary>
internal sealed record InputTokensDetails(int CachedTokens);

/// <summary>Tokens of thoughts.</summary>
internal sealed record OutputTokensDetails(int ReasoningTokens);

/// <summary>An item of an answer; only the members of its type are written.</summary>
internal sealed record OutputItem(string Type, string Id)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Status { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Role { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public OutputPart[]? Summary { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public OutputPart[]? Content { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? EncryptedContent { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? CallId { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Name { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Arguments { get; init; }

    /// <summary>An item as it begins in a stream.</summary>
    public static OutputItem Begin(ReplyBlock block) => block.Kind switch
    {
        ReplyBlockKind.Thought => new OutputItem("reasoning", RandomId.Create("rs_")) { Summary = [], Content = [] },
        ReplyBlockKind.Text => new OutputItem("message", RandomId.Create("msg_")) { Status = "in_progress", Role = "assistant", Content = [] },
        _ => new OutputItem("function_call", RandomId.Create("fc_")) { Status = "in_progress", CallId = block.CallId, Name = block.Name, Arguments = "" },
    };

    /// <summary>The item when it is over.</summary>
    /// <param name="block">What it consists of.</param>
    /// <param name="isCut">Whether a limit ended it.</param>
    /// <param name="seals">Whether a thought is also told in the form that clients send back.</param>
    public OutputItem End(ReplyBlock block, bool isCut, bool seals)
    {
        string status = isCut || block.IsVoid ? "incomplete" : "completed";
        return block.Kind switch
        {
            ReplyBlockKind.Thought => this with { Content = [OutputPart.Of(block)], EncryptedContent = seals ? SealedThought.Seal(block.Text) : null },
            ReplyBlockKind.Text => this with { Status = status, Content = [OutputPart.Of(block)] },
            _ => this with { Status = status, Arguments = block.Text },
        };
    }
}

/// <summary>A part of an item.</summary>
internal sealed record OutputPart(string Type, string Text)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string[]? Annotations { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string[]? Logprobs { get; init; }

    /// <summary>A part of an answer's text.</summary>
    public static OutputPart OfText(string text) => new("output_text", text) { Annotations = [], Logprobs = [] };

    /// <summary>The part that a block of text or thought is.</summary>
    public static OutputPart Of(ReplyBlock block) => block.Kind == ReplyBlockKind.Text ? OfText(block.Text) : new OutputPart("reasoning_text", block.Text);
}

/// <summary>An event of a stream; its name is its type, and only the members of that are written.</summary>
internal sealed record ResponseEvent(string Type, int SequenceNumber)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Response? Response { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? OutputIndex { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ItemId { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ContentIndex { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public OutputItem? Item { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public OutputPart? Part { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Delta { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Text { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Name { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Arguments { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string[]? Logprobs { get; init; }
}
