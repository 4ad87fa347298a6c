using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Server.Errors;
using CpuMoe.Server.Requests;

namespace CpuMoe.Server.Anthropic;

/// <summary>Reads <c>system</c> and <c>messages</c>.</summary>
/// <remarks>
/// The same text makes the same prompt, whether it comes as a string or as blocks, and in one turn or in several of the
/// same role: clients change between these forms within a conversation, and its prefix must stay in the cache.
/// </remarks>
internal static class ConversationReader
{
    /// <summary>Claude Code sends a line that begins so in front of all, with another end in each session: no prefix would be found again.</summary>
    private const string BillingPrefix = "x-anthropic-billing-header:";

    /// <summary>Reads the messages of a request.</summary>
    /// <exception cref="ApiException">A message cannot be accepted.</exception>
    public static IReadOnlyList<ChatMessage> Read(RequestValue body)
    {
        List<ChatMessage> messages = [];
        if (body.Member("system") is { } system && WithoutBilling(ReadText(system)) is { Length: > 0 } instructions)
        {
            messages.Add(new ChatMessage(ChatRole.System, instructions));
        }

        RequestValue list = body.Required("messages");
        List<Turn> turns = ReadTurns(list);
        if (turns.Count == 0)
        {
            throw ApiException.Invalid(list.Place, $"'{list.Place}' must not be empty.");
        }

        foreach (Turn turn in turns)
        {
            switch (turn.Role)
            {
                case "user":
                    AddUser(turn.Blocks, messages);
                    break;
                case "assistant":
                    messages.Add(ReadAssistant(turn.Blocks));
                    break;
                default:
                    messages.Add(new ChatMessage(ChatRole.System, Join(turn.Blocks)));
                    break;
            }
        }

        return messages;
    }

    private static List<Turn> ReadTurns(RequestValue messages)
    {
        List<Turn> turns = [];
        foreach (RequestValue message in messages.Items())
        {
            string role = message.Required("role").AsOneOf("user", "assistant", "system");
            List<RequestValue> blocks = BlocksOf(message.Required("content"));
            if (turns.Count > 0 && turns[^1].Role == role)
            {
                turns[^1].Blocks.AddRange(blocks);
            }
            else
            {
                turns.Add(new Turn(role, blocks));
            }
        }

        return turns;
    }

    /// <summary>Results of tools first, as they answer the calls before them.</summary>
    private static void AddUser(List<RequestValue> blocks, List<ChatMessage> messages)
    {
        int results = 0;
        foreach (RequestValue block in blocks.Where(block => TypeOf(block) == "tool_result"))
        {
            block.Member("is_error")?.AsBool();
            string text = block.Member("content") is { } content ? ReadText(content, isResult: true) : "";
            messages.Add(new ChatMessage(ChatRole.Tool, text) { ToolCallId = block.Required("tool_use_id").AsString() });
            results++;
        }

        if (results < blocks.Count || blocks.Count == 0)
        {
            messages.Add(new ChatMessage(ChatRole.User, Join(blocks.Where(block => TypeOf(block) != "tool_result"))));
        }
    }

    private static ChatMessage ReadAssistant(List<RequestValue> blocks)
    {
        List<string> thoughts = [];
        List<ToolCall> calls = [];
        List<RequestValue> rest = [];
        foreach (RequestValue block in blocks)
        {
            switch (TypeOf(block))
            {
                case "thinking":
                    thoughts.Add(block.Required("thinking").AsString());
                    break;
                case "redacted_thinking":
                    break;
                case "tool_use":
                    RequestValue input = block.Required("input");
                    calls.Add(new ToolCall(
                        block.Required("id").AsString(),
                        block.Required("name").AsString(),
                        input.Kind == JsonValueKind.Object ? input.Element.GetRawText() : throw input.Fault("an object")));
                    break;
                default:
                    rest.Add(block);
                    break;
            }
        }

        return new ChatMessage(ChatRole.Assistant, Join(rest), thoughts.Count > 0 ? string.Join('\n', thoughts) : null) { ToolCalls = calls };
    }

    private static string ReadText(RequestValue content, bool isResult = false) => Join(BlocksOf(content), isResult);

    private static string Join(IEnumerable<RequestValue> blocks, bool isResult = false) =>
        string.Join('\n', blocks.Select(block => TextOf(block, isResult)).Where(text => text is not null));

    private static List<RequestValue> BlocksOf(RequestValue content) => content.Kind switch
    {
        JsonValueKind.String => [content],
        JsonValueKind.Array => content.Items(),
        _ => throw content.Fault("a string or an array of content blocks"),
    };

    private static string TypeOf(RequestValue block) => block.Kind == JsonValueKind.String ? "text" : block.Required("type").AsString();

    /// <summary>The text of a block; null for one without.</summary>
    /// <param name="block">A block, or a string instead of all blocks.</param>
    /// <param name="isResult">Whether it is the result of a tool: what is no text there is only mentioned, as the conversation could not go on otherwise.</param>
    private static string? TextOf(RequestValue block, bool isResult)
    {
        string type = TypeOf(block);
        return type switch
        {
            _ when block.Kind == JsonValueKind.String => block.AsString(),
            "text" => block.Required("text").AsString(),
            "image" or "document" => isResult ? $"[{type}]" : throw block.Required("type").Fault("text, as the model reads text only"),
            _ when block.Member("text") is { Kind: JsonValueKind.String } text => text.AsString(),
            _ when block.Member("content") is { Kind: JsonValueKind.String or JsonValueKind.Array } content => ReadText(content, isResult),
            _ => null,
        };
    }

    private static string WithoutBilling(string system)
    {
        if (!system.StartsWith(BillingPrefix, StringComparison.Ordinal))
        {
            return system;
        }

        int end = system.IndexOf('\n', StringComparison.Ordinal);
        return end < 0 ? "" : system[(end + 1)..];
    }

    private sealed record Turn(string Role, List<RequestValue> Blocks);
}
