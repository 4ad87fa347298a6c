using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Server.Errors;
using CpuMoe.Server.Requests;

namespace CpuMoe.Server.OpenAi;

/// <summary>Reads the messages of a conversation.</summary>
internal static class MessageReader
{
    /// <summary>Reads <c>messages</c>.</summary>
    /// <exception cref="ApiException">A message cannot be accepted.</exception>
    public static IReadOnlyList<ChatMessage> Read(RequestValue messages)
    {
        List<RequestValue> items = messages.Items();
        if (items.Count == 0)
        {
            throw ApiException.Invalid(messages.Place, $"'{messages.Place}' must not be empty.");
        }

        Dictionary<string, string> toolNames = [];
        return [.. items.Select(item => ReadMessage(item, toolNames))];
    }

    /// <summary>A text: a string or an array of parts of text, which make the same.</summary>
    /// <param name="content">The value; null for an empty text.</param>
    /// <param name="types">The types of parts that are text; the text is in the member of the same name or <c>text</c>.</param>
    public static string ReadText(RequestValue? content, params string[] types) => content switch
    {
        null => "",
        { Kind: JsonValueKind.String } text => text.AsString(),
        { Kind: JsonValueKind.Array } parts => string.Concat(parts.Items().Select(part => ReadPart(part, types))),
        { } other => throw other.Fault("a string or an array of text parts"),
    };

    private static string ReadPart(RequestValue part, string[] types)
    {
        RequestValue type = part.Required("type");
        string name = type.AsString();
        return types.Contains(name) ? (name == "refusal" ? part.Required("refusal") : part.Required("text")).AsString()
            : throw type.Fault($"{string.Join(" or ", types)}, as the model reads text only");
    }

    private static ChatMessage ReadMessage(RequestValue message, Dictionary<string, string> toolNames)
    {
        string role = message.Required("role").AsOneOf("system", "developer", "user", "assistant", "tool", "function");
        return role switch
        {
            "assistant" => ReadAssistant(message, toolNames),
            "tool" or "function" => ReadToolResult(message, toolNames),
            _ => new ChatMessage(role == "user" ? ChatRole.User : ChatRole.System, ReadText(message.Required("content"), "text")),
        };
    }

    private static ChatMessage ReadAssistant(RequestValue message, Dictionary<string, string> toolNames)
    {
        List<ToolCall> calls = [.. (message.Member("tool_calls")?.Items() ?? []).Select(ReadCall)];
        if (message.Member("function_call") is { } legacy)
        {
            calls.Add(new ToolCall("", legacy.Required("name").AsString(), ReadArguments(legacy.Member("arguments"))));
        }

        foreach (ToolCall call in calls)
        {
            toolNames[call.Id] = call.Name;
        }

        RequestValue? content = message.Member("content");
        if (content is null && calls.Count == 0)
        {
            content = message.Member("refusal") ?? message.Required("content");
        }

        string? reasoning = (message.Member("reasoning_content") ?? message.Member("reasoning"))?.AsString();
        return new ChatMessage(ChatRole.Assistant, ReadText(content, "text", "refusal"), reasoning) { ToolCalls = calls };
    }

    private static ToolCall ReadCall(RequestValue call)
    {
        call.Member("type")?.AsOneOf("function");
        RequestValue function = call.Required("function");
        return new ToolCall(call.Member("id")?.AsString() ?? "", function.Required("name").AsString(), ReadArguments(function.Member("arguments")));
    }

    /// <summary>The arguments of a call.</summary>
    /// <remarks>Models that are cut off leave broken ones behind, and agents send them again: the engine shows them as the text they are.</remarks>
    internal static string ReadArguments(RequestValue? arguments) => arguments?.AsString() ?? "{}";

    private static ChatMessage ReadToolResult(RequestValue message, Dictionary<string, string> toolNames)
    {
        string? id = message.Member("tool_call_id")?.AsString();
        return new ChatMessage(ChatRole.Tool, ReadText(message.Member("content"), "text"))
        {
            ToolCallId = id,
            ToolName = message.Member("name")?.AsString() ?? toolNames.GetValueOrDefault(id ?? ""),
        };
    }
}
