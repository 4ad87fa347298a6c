using System.Text.Json;
using Microsoft.Extensions.AI;

namespace CpuMoe.Extensions.AI.Tests;

/// <summary>Messages of Microsoft.Extensions.AI as the engine gets them.</summary>
public class MessageTests
{
    [Fact]
    public void Roles_texts_thoughts_calls_and_results_arrive()
    {
        List<Chat.ChatMessage> messages = MessageReader.Read(
            [
                new(new ChatRole("developer"), "Be kind."),
                new(ChatRole.User, [new TextContent("a"), new TextContent("b")]),
                new(ChatRole.Assistant,
                [
                    new TextReasoningContent("hm"), new TextContent("Wait."), new FunctionCallContent("c1", "f", new Dictionary<string, object?> { ["x"] = JsonSerializer.SerializeToElement(2.50m), ["y"] = "é" }),
                    new FunctionCallContent("c2", "g"), new UsageContent(new UsageDetails { InputTokenCount = 1 }),
                ]),
                new(ChatRole.Tool,
                [
                    new FunctionResultContent("c1", "plain"), new FunctionResultContent("c2", new { t = 20 }), new FunctionResultContent("c3", JsonSerializer.SerializeToElement("text")),
                    new FunctionResultContent("c4", null), new FunctionResultContent("c5", null) { Exception = new IOException("secret") },
                ]),
                new(ChatRole.User, ""),
            ],
            "Always.");

        Assert.Equal(
            [Chat.ChatRole.System, Chat.ChatRole.System, Chat.ChatRole.User, Chat.ChatRole.Assistant, Chat.ChatRole.Tool, Chat.ChatRole.Tool, Chat.ChatRole.Tool, Chat.ChatRole.Tool, Chat.ChatRole.Tool, Chat.ChatRole.User],
            messages.Select(message => message.Role));
        Assert.Equal(["Always.", "Be kind.", "ab", "Wait.", "plain", "{\"t\":20}", "text", "", "Error: the function failed.", ""], messages.Select(message => message.Content));
        Assert.Equal("hm", messages[3].Reasoning);
        Assert.Equal([new Chat.ToolCall("c1", "f", "{\"x\":2.50,\"y\":\"é\"}"), new Chat.ToolCall("c2", "g", "{}")], messages[3].ToolCalls);
        Assert.Equal(["c1", "c2", "c3", "c4", "c5"], messages.Where(message => message.Role == Chat.ChatRole.Tool).Select(message => message.ToolCallId));
    }

    [Fact]
    public void What_is_no_text_is_refused_by_name()
    {
        AIContent[] contents = [new DataContent(new byte[] { 1 }, "image/png"), new UriContent("https://example.org/a.png", "image/png"), new HostedFileContent("f1")];
        foreach (AIContent content in contents)
        {
            NotSupportedException fault = Assert.Throws<NotSupportedException>(() => MessageReader.Read([new(ChatRole.User, "x"), new(ChatRole.User, [content])], null));
            Assert.Contains($"Message 1 has a content of type {content.GetType().Name}", fault.Message, StringComparison.Ordinal);
        }

        Assert.Contains("'critic'", Assert.Throws<ArgumentException>(() => MessageReader.Read([new(new ChatRole("critic"), "x")], null)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => MessageReader.Read([null!], null));
    }
}
