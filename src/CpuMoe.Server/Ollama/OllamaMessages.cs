using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Server.Errors;
using CpuMoe.Server.Requests;

namespace CpuMoe.Server.Ollama;

/// <summary>Reads the messages of a conversation.</summary>
internal static class OllamaMessages
{
    /// <summary>Reads <c>messages</c>.</summary>
    /// <exception cref="ApiException">A message cannot be accepted.</exception>
    public static IReadOnlyList<ChatMessage> Read(RequestValue messages) => [.. messages.Items().Select(ReadMessage)];

    /// <summary>Refuses pictures.</summary>
    /// <exception cref="ApiException">There are some.</exception>
    public static void RefuseImages(RequestValue value)
    {
        if (value.Member("images") is { } images && images.Items().Count > 0)
        {
            throw ApiException.Invalid(images.Place, $"'{images.Place}' must be empty, as the model reads text only.");
        }
    }

    private static ChatMessage ReadMessage(RequestValue message)
    {
        RefuseImages(message);
        string role = message.Required("role").AsOneOf("system", "user", "assistant", "tool");
        string text = message.Member("content")?.AsString() ?? "";
        return role switch
        {
            "system" => new ChatMessage(ChatRole.System, text),
            "user" => new ChatMessage(ChatRole.User, text),
            "tool" => new ChatMessage(ChatRole.Tool, text) { ToolCallId = message.Member("tool_call_id")?.AsString(), ToolName = message.Member("tool_name")?.AsString() },
            _ => new ChatMessage(ChatRole.Assistant, text, message.Member("thinking")?.AsString()) { ToolCalls = [.. (message.Member("tool_calls")?.Items() ?? []).Select(ReadCall)] },
        };
    }

    private static ToolCall ReadCall(RequestValue call)
    {
        RequestValue function = call.Required("function");
        RequestValue? arguments = function.Member("arguments");
        return new ToolCall(
            call.Member("id")?.AsString() ?? "",
            function.Required("name").AsString(),
            arguments is not { } value ? "{}" : value.Kind == JsonValueKind.Object ? value.Element.GetRawText() : throw value.Fault("an object"));
    }
}
