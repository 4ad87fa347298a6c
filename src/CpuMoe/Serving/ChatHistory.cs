using System.Text.Json;
using CpuMoe.Chat;

namespace CpuMoe.Serving;

/// <summary>Brings messages into the one form that templates understand, so that equal conversations give equal prompts.</summary>
internal static class ChatHistory
{
    /// <summary>
    /// The messages with the arguments of calls as JSON objects (absent ones are empty; such as are a string that holds
    /// JSON are unwrapped) and with the names of tools at their results, where the calls tell them.
    /// </summary>
    /// <exception cref="ArgumentException">Arguments that are no JSON object.</exception>
    public static ChatMessage[] Normalise(IReadOnlyList<ChatMessage> messages)
    {
        Dictionary<string, string> names = new(StringComparer.Ordinal);
        var normal = new ChatMessage[messages.Count];
        for (int i = 0; i < normal.Length; i++)
        {
            ChatMessage message = messages[i];
            if (message.ToolCalls.Count > 0)
            {
                int number = i;
                message = message with { ToolCalls = [.. message.ToolCalls.Select(call => call with { Arguments = ObjectOf(call, number) })] };
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

    private static string ObjectOf(ToolCall call, int message)
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
            _ => throw new ArgumentException($"Message {message}: the arguments of the call of '{call.Name}' are no JSON object. Send them as the text of one."),
        };
    }
}
