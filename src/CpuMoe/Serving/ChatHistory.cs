using System.Text.Json;
using CpuMoe.Chat;

namespace CpuMoe.Serving;

/// <summary>Brings messages into the one form that templates understand, so that equal conversations give equal prompts.</summary>
internal static class ChatHistory
{
    private const string TextArgument = "arguments";

    /// <summary>
    /// The messages with the arguments of calls as JSON objects (absent ones are empty; such as are a string that holds
    /// JSON are unwrapped; such as were cut off or are no object become one argument, their text, so that the model sees
    /// what it wrote) and with the names of tools at their results, where the calls tell them.
    /// </summary>
    public static ChatMessage[] Normalise(IReadOnlyList<ChatMessage> messages)
    {
        Dictionary<string, string> names = new(StringComparer.Ordinal);
        var normal = new ChatMessage[messages.Count];
        for (int i = 0; i < normal.Length; i++)
        {
            ChatMessage message = messages[i];
            if (message.ToolCalls.Count > 0)
            {
                message = message with { ToolCalls = [.. message.ToolCalls.Select(call => call with { Arguments = ObjectOf(call) })] };
                foreach (ToolCall call in message.ToolCalls)
                {
                    names[call.Id] = call.Name;
                }
            }

            if (message is { Role: ChatRole.Tool, ToolName: null, ToolCallId: { } id } && names.TryGetValue(id, out string? name))
            {
                message = message with { ToolName = name };
            }

            normal[i] = message;
        }

        return normal;
    }

    private static string ObjectOf(ToolCall call)
    {
        if (string.IsNullOrWhiteSpace(call.Arguments))
        {
            return "{}";
        }

        string json = call.Arguments;
        JsonElement? value = ArgumentText.TryParse(json);
        if (value is { ValueKind: JsonValueKind.String } text)
        {
            json = text.GetString()!;
            value = ArgumentText.TryParse(json);
        }

        return value?.ValueKind switch
        {
            JsonValueKind.Object => json,
            JsonValueKind.Null => "{}",
            _ => $"{{\"{TextArgument}\":{ArgumentText.Quote(call.Arguments)}}}",
        };
    }
}
