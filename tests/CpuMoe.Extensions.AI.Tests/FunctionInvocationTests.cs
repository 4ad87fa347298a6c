using Microsoft.Extensions.AI;

namespace CpuMoe.Extensions.AI.Tests;

/// <summary>Questions that need a tool, under <c>UseFunctionInvocation</c>.</summary>
public class FunctionInvocationTests(DemoClient demo)
{
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task The_answer_holds_what_the_tool_returned(bool thinks, bool streams)
    {
        List<string> asked = [];
        using IChatClient client = Pipeline(demo.Client);
        ChatOptions options = new()
        {
            Tools = [DemoClient.Weather(asked)],
            Reasoning = new ReasoningOptions { Effort = thinks ? ReasoningEffort.Medium : ReasoningEffort.None },
        };
        ChatResponse response = streams
            ? await client.GetStreamingResponseAsync("What is the weather in Paris?", options, TestContext.Current.CancellationToken).ToChatResponseAsync(TestContext.Current.CancellationToken)
            : await client.GetResponseAsync("What is the weather in Paris?", options, TestContext.Current.CancellationToken);

        Assert.Equal(["Paris"], asked);
        Assert.Equal("The weather in Paris is cloudy with 17 degrees.", response.Messages[^1].Text);
        Assert.Equal([ChatRole.Assistant, ChatRole.Tool, ChatRole.Assistant], response.Messages.Select(message => message.Role));
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        FunctionCallContent call = Assert.Single(response.Messages[0].Contents.OfType<FunctionCallContent>());
        Assert.Equal("get_weather", call.Name);
        Assert.Null(call.Exception);
        Assert.Equal("Paris", call.Arguments!["city"]?.ToString());
        Assert.Equal(thinks, response.Messages[0].Contents.OfType<TextReasoningContent>().Any());
        Assert.Equal(thinks, response.Messages[^1].Contents.OfType<TextReasoningContent>().Any());
        Assert.Equal(thinks, response.Usage!.ReasoningTokenCount > 0);
    }

    [Fact]
    public async Task The_second_round_evaluates_only_what_is_new()
    {
        await using CpuMoeChatClient own = DemoClient.Create();
        ChatOptions options = DemoClient.Direct;
        options.Tools = [DemoClient.Weather([])];
        List<ChatMessage> messages = [new(ChatRole.User, "What is the weather in Rome?")];
        ChatResponse first = await own.GetResponseAsync(messages, options, TestContext.Current.CancellationToken);
        Assert.Equal(ChatFinishReason.ToolCalls, first.FinishReason);
        Assert.Equal(0, first.Usage!.CachedInputTokenCount);

        messages.AddMessages(first);
        string id = Assert.Single(first.Messages[0].Contents.OfType<FunctionCallContent>()).CallId;
        messages.Add(new(ChatRole.Tool, [new FunctionResultContent(id, """{"city": "Rome", "temperature": 30, "condition": "sunny"}""")]));
        ChatResponse second = await own.GetResponseAsync(messages, options, TestContext.Current.CancellationToken);

        Assert.Equal("The weather in Rome is sunny with 30 degrees.", second.Text);
        // All of the first prompt, at least, and most of the reply.
        Assert.InRange(second.Usage!.CachedInputTokenCount!.Value, first.Usage.InputTokenCount!.Value, second.Usage.InputTokenCount!.Value - 1);
    }

    [Fact]
    public async Task A_required_tool_is_called_once_and_then_answered()
    {
        List<string> asked = [];
        using IChatClient client = Pipeline(demo.Client);
        ChatOptions options = DemoClient.Direct;
        options.Tools = [DemoClient.Weather(asked)];
        options.ToolMode = ChatToolMode.RequireSpecific("get_weather");
        options.AllowMultipleToolCalls = false;
        ChatResponse response = await client.GetResponseAsync("What is the weather in Oslo?", options, TestContext.Current.CancellationToken);

        Assert.Equal(["Oslo"], asked);
        Assert.Contains("17", response.Messages[^1].Text, StringComparison.Ordinal);
    }

    // The pipeline must not dispose what the other tests use.
    private static IChatClient Pipeline(CpuMoeChatClient client) => new CpuMoeChatClient(client.GetRequiredService<Serving.ChatEngine>(), DemoClient.Options()).AsBuilder().UseFunctionInvocation().Build();
}
