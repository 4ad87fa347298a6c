using System.Text.Json;
using CpuMoe.Chat;
using Microsoft.Extensions.AI;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace CpuMoe.Extensions.AI;

/// <summary>Turns messages of Microsoft.Extensions.AI into those of the engine.</summary>
internal static class MessageReader
{
    private static readonly JsonSerializerOptions Compact = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false };

    /// <summary>The messages of the engine, oldest first; a message with several results of functions becomes several.</summary>
    /// <exception cref="NotSupportedException">A content that is no text, call or result.</exception>
    /// <exception cref="ArgumentException">An unknown role.</exception>
    public static List<Chat.ChatMessage> Read(IEnumerable<ChatMessage> messages, string? instructions)
    {
        List<Chat.ChatMessage> result = [];
        if (!string.IsNullOrEmpty(instructions))
        {
            result.Add(new(Chat.ChatRole.System, instructions));
        }

        int number = 0;
        foreach (ChatMessage message in messages)
        {
            Add(result, message ?? throw new ArgumentException($"Message {number} is null.", nameof(messages)), number++);
        }

        return result;
    }

    private static void Add(List<Chat.ChatMessage> result, ChatMessage message, int number)
    {
        string? text = null, reasoning = null;
        List<ToolCall> calls = [];
        bool hasResults = false;
        foreach (AIContent content in message.Contents)
        {
            switch (content)
            {
                case TextContent part:
                    text += part.Text;
                    break;
                case TextReasoningContent thought:
                    reasoning += thought.Text;
                    break;
                case FunctionCallContent call:
                    calls.Add(new(call.CallId, call.Name, call.Arguments is null ? "{}" : JsonSerializer.Serialize(call.Arguments, Compact.GetTypeInfo(typeof(IDictionary<string, object?>)))));
                    break;
                case FunctionResultContent answer:
                    hasResults = true;
                    result.Add(new(Chat.ChatRole.Tool, TextOf(answer)) { ToolCallId = answer.CallId });
                    break;
                case UsageContent:
                    break;
                default:
                    throw new NotSupportedException($"Message {number} has a content of type {content.GetType().Name}; the model reads text only.");
            }
        }

        if (text is not null || calls.Count > 0 || !hasResults)
        {
            result.Add(new(RoleOf(message.Role, number), text ?? "", string.IsNullOrEmpty(reasoning) ? null : reasoning) { ToolCalls = calls });
        }
    }

    private static Chat.ChatRole RoleOf(Microsoft.Extensions.AI.ChatRole role, int number) => role.Value.ToUpperInvariant() switch
    {
        "SYSTEM" or "DEVELOPER" => Chat.ChatRole.System,
        "USER" => Chat.ChatRole.User,
        "ASSISTANT" => Chat.ChatRole.Assistant,
        "TOOL" => Chat.ChatRole.Tool,
        _ => throw new ArgumentException($"Message {number} has the role '{role.Value}'; known are system, user, assistant and tool."),
    };

    private static string TextOf(FunctionResultContent answer) => answer.Result switch
    {
        null => answer.Exception is null ? "" : "Error: the function failed.",
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } text => text.GetString()!,
        TextContent text => text.Text,
        object value => JsonSerializer.Serialize(value, Compact.GetTypeInfo(value.GetType())),
    };
}
