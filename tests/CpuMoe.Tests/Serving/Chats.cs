using CpuMoe.Chat;
using CpuMoe.Generation;
using CpuMoe.Serving;

namespace CpuMoe.Tests.Serving;

/// <summary>A reply, collected.</summary>
internal sealed record CollectedReply(string Reasoning, string Content, ToolCall[] Calls, ChatFinish Finish, IReadOnlyList<ChatUpdate> Updates)
{
    /// <summary>The reply as a message of the history.</summary>
    public ChatMessage Message => new(ChatRole.Assistant, Content, Reasoning.Length > 0 ? Reasoning : null) { ToolCalls = Calls };
}

/// <summary>Short forms for chats.</summary>
internal static class Chats
{
    public static ToolDefinition Weather { get; } = new(
        "get_weather",
        "Get the current weather for a city.",
        """{"type": "object", "properties": {"city": {"type": "string", "description": "The name of the city."}}, "required": ["city"]}""");

    public static GenerationOptions Greedy { get; } = new() { Sampling = SamplerOptions.Greedy, MaxTokens = 300 };

    public static ChatRequest Ask(string question, bool? thinking = null, params ToolDefinition[] tools) =>
        new() { Messages = [new ChatMessage(ChatRole.User, question)], Thinking = thinking, Tools = tools, Generation = Greedy };

    public static async Task<CollectedReply> ReplyAsync(this ChatEngine engine, ChatRequest request)
    {
        await using ChatReply reply = engine.Submit(request, TestContext.Current.CancellationToken);
        List<ChatUpdate> updates = [];
        await foreach (ChatUpdate update in reply)
        {
            updates.Add(update);
        }

        Assert.All(updates.SkipLast(1), update => Assert.Null(update.Finish));
        ChatFinish finish = Assert.IsType<ChatFinish>(updates[^1].Finish);
        Assert.Equal(reply.PromptTokens, finish.Usage.PromptTokens);
        Assert.Equal(updates.Count, finish.Usage.CompletionTokens);
        ReplyPart[] parts = [.. updates.SelectMany(update => update.Parts)];
        _ = Chat.Replies.Line(parts);
        return new CollectedReply(
            string.Concat(parts.OfType<ReasoningPart>().Select(part => part.Text)),
            string.Concat(parts.OfType<ContentPart>().Select(part => part.Text)),
            [.. parts.OfType<ToolCallEnd>().Select(part => part.Call)],
            finish,
            updates);
    }
}
