using CpuMoe.Chat;
using CpuMoe.Server.Errors;
using CpuMoe.Server.OpenAi;
using CpuMoe.Server.Requests;

namespace CpuMoe.Server.Responses;

/// <summary>Reads <c>instructions</c> and <c>input</c>: thoughts, texts and calls of one turn are items of their own here, and one message in a prompt.</summary>
internal static class InputReader
{
    private static readonly string[] TextTypes = ["input_text", "output_text", "text", "refusal"];

    /// <summary>Reads the messages of a request.</summary>
    /// <exception cref="ApiException">An item cannot be accepted.</exception>
    public static IReadOnlyList<ChatMessage> Read(RequestValue body)
    {
        List<ChatMessage> messages = [];
        if (body.Member("instructions") is { } instructions && instructions.AsString().Length > 0)
        {
            messages.Add(new ChatMessage(ChatRole.System, instructions.AsString()));
        }

        RequestValue input = body.Required("input");
        if (input.Kind == System.Text.Json.JsonValueKind.String)
        {
            messages.Add(new ChatMessage(ChatRole.User, input.AsString()));
            return messages;
        }

        List<RequestValue> items = input.Items();
        if (items.Count == 0)
        {
            throw ApiException.Invalid(input.Place, $"'{input.Place}' must not be empty.");
        }

        foreach (RequestValue item in items)
        {
            AddItem(item, messages);
        }

        return messages;
    }

    private static void AddItem(RequestValue item, List<ChatMessage> messages)
    {
        string type = item.Member("type")?.AsOneOf("message", "reasoning", "function_call", "function_call_output") ?? "message";
        switch (type)
        {
            case "reasoning":
                string thought = ReadThought(item);
                ExtendAssistant(messages, turn => thought.Length > 0 ? turn with { Reasoning = turn.Reasoning + thought } : turn);
                break;
            case "function_call":
                ToolCall call = new(item.Required("call_id").AsString(), item.Required("name").AsString(), MessageReader.ReadArguments(item.Member("arguments")));
                ExtendAssistant(messages, turn => turn with { ToolCalls = [.. turn.ToolCalls, call] });
                break;
            case "function_call_output":
                messages.Add(new ChatMessage(ChatRole.Tool, MessageReader.ReadText(item.Required("output"), TextTypes)) { ToolCallId = item.Required("call_id").AsString() });
                break;
            default:
                AddMessage(item, messages);
                break;
        }
    }

    private static void AddMessage(RequestValue item, List<ChatMessage> messages)
    {
        string role = item.Required("role").AsOneOf("user", "assistant", "system", "developer");
        string text = MessageReader.ReadText(item.Required("content"), TextTypes);
        if (role == "assistant")
        {
            ExtendAssistant(messages, turn => turn with { Content = turn.Content.Length > 0 ? $"{turn.Content}\n{text}" : text });
            return;
        }

        messages.Add(new ChatMessage(role == "user" ? ChatRole.User : ChatRole.System, text));
    }

    private static void ExtendAssistant(List<ChatMessage> messages, Func<ChatMessage, ChatMessage> extend)
    {
        if (messages is [.., { Role: ChatRole.Assistant } last])
        {
            messages[^1] = extend(last);
        }
        else
        {
            messages.Add(extend(new ChatMessage(ChatRole.Assistant, "")));
        }
    }

    // Some clients send back the thought, others only what they cannot read.
    private static string ReadThought(RequestValue item)
    {
        string thought = string.Concat((item.Member("content")?.Items() ?? []).Select(part => part.Member("text")?.AsString()));
        return thought.Length > 0 ? thought : SealedThought.Open(item.Member("encrypted_content")?.AsString());
    }
}
