using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Serving;
using Microsoft.Extensions.AI;

namespace CpuMoe.Extensions.AI;

/// <summary>Turns the steps of a reply into updates of a response: one message of the assistant.</summary>
internal sealed class ResponseWriter(string modelId, bool showReasoning)
{
    private readonly string _responseId = "resp_" + Guid.NewGuid().ToString("N");
    private readonly string _messageId = "msg_" + Guid.NewGuid().ToString("N");
    private readonly DateTimeOffset _createdAt = DateTimeOffset.UtcNow;

    /// <summary>The update for a step; null where there is nothing to tell.</summary>
    public ChatResponseUpdate? Convert(ChatUpdate update)
    {
        List<AIContent> contents = [.. update.Parts.Select(ContentOf).OfType<AIContent>()];
        if (update.Finish is { } finish)
        {
            contents.Add(new UsageContent(UsageOf(finish.Usage)));
        }

        return contents.Count == 0 ? null : new ChatResponseUpdate(Microsoft.Extensions.AI.ChatRole.Assistant, contents)
        {
            ResponseId = _responseId,
            MessageId = _messageId,
            ModelId = modelId,
            CreatedAt = _createdAt,
            FinishReason = update.Finish is null ? null : ReasonOf(update.Finish.Reason),
            RawRepresentation = update,
        };
    }

    private AIContent? ContentOf(ReplyPart part) => part switch
    {
        ReasoningPart reasoning when showReasoning => new TextReasoningContent(reasoning.Text),
        ContentPart content => new TextContent(content.Text),
        ToolCallEnd end => FunctionCallContent.CreateFromParsedArguments(end.Call.Arguments, end.Call.Id, end.Call.Name, ParseArguments),
        _ => null, // The beginning and the pieces of a call; it is told of when it is complete.
    };

    private static Dictionary<string, object?> ParseArguments(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return document.RootElement.EnumerateObject().ToDictionary(argument => argument.Name, argument => (object?)argument.Value.Clone(), StringComparer.Ordinal);
    }

    private static UsageDetails UsageOf(ChatUsage usage) => new()
    {
        InputTokenCount = usage.PromptTokens,
        OutputTokenCount = usage.CompletionTokens,
        TotalTokenCount = usage.PromptTokens + usage.CompletionTokens,
        CachedInputTokenCount = usage.CachedTokens,
        ReasoningTokenCount = usage.ReasoningTokens,
    };

    private static Microsoft.Extensions.AI.ChatFinishReason ReasonOf(Serving.ChatFinishReason reason) => reason switch
    {
        Serving.ChatFinishReason.Length => Microsoft.Extensions.AI.ChatFinishReason.Length,
        Serving.ChatFinishReason.ToolCalls => Microsoft.Extensions.AI.ChatFinishReason.ToolCalls,
        _ => Microsoft.Extensions.AI.ChatFinishReason.Stop,
    };
}
