using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Generation;
using CpuMoe.Grammars;
using CpuMoe.Serving;
using CpuMoe.Tests.Grammars;

namespace CpuMoe.Tests.Serving;

/// <summary>Chats with the bundled model.</summary>
public sealed class ChatEngineDemoTests : IAsyncLifetime
{
    private const string CitySchema = """{"type":"object","properties":{"city":{"type":"string","maxLength":24},"sure":{"type":"boolean"}},"required":["city","sure"]}""";

    private readonly ServingModel _serving = ServingModel.Demo(new SchedulerOptions { Slots = 2, ContextLength = 1500 }, new() { Threads = 1 });
    private ChatEngine _engine = null!;

    public ValueTask InitializeAsync()
    {
        _engine = new ChatEngine(_serving.Scheduler);
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => _serving.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task QuestionCallResultAnswer(bool thinking)
    {
        ChatRequest request = Chats.Ask("What is the weather in Paris?", thinking, Chats.Weather);
        CollectedReply call = await _engine.ReplyAsync(request);
        Assert.Equal(ChatFinishReason.ToolCalls, call.Finish.Reason);
        ToolCall weather = Assert.Single(call.Calls);
        Assert.Equal(("get_weather", """{"city": "Paris"}"""), (weather.Name, weather.Arguments));
        Assert.Equal(thinking, call.Reasoning.Length > 0);
        Assert.Equal("", call.Content);

        ChatMessage result = new(ChatRole.Tool, """{"city": "Paris", "temperature": 23, "condition": "sunny"}""") { ToolCallId = weather.Id };
        CollectedReply answer = await _engine.ReplyAsync(request with { Messages = [.. request.Messages, call.Message, result] });
        Assert.Equal((ChatFinishReason.Stop, thinking), (answer.Finish.Reason, answer.Reasoning.Length > 0));
        Assert.Contains("23", answer.Content, StringComparison.Ordinal);
        Assert.DoesNotContain("<", answer.Content, StringComparison.Ordinal);

        // All of the first prompt and of the reply to it is still there: the history renders as the model wrote it.
        Assert.InRange(answer.Finish.Usage.CachedTokens, call.Finish.Usage.PromptTokens + call.Finish.Usage.CompletionTokens - 2, answer.Finish.Usage.PromptTokens);
    }

    [Fact]
    public async Task ThoughtAndAnswerComeApart()
    {
        CollectedReply reply = await _engine.ReplyAsync(Chats.Ask("What is 27 + 35?", thinking: true));
        Assert.Contains("62", reply.Reasoning, StringComparison.Ordinal);
        Assert.Contains("62", reply.Content, StringComparison.Ordinal);
        Assert.DoesNotContain("think>", reply.Reasoning + reply.Content, StringComparison.Ordinal);
        Assert.Equal(ChatFinishReason.Stop, reply.Finish.Reason);
        Assert.InRange(reply.Finish.Usage.ReasoningTokens, 5, reply.Finish.Usage.CompletionTokens - 3);

        CollectedReply quick = await _engine.ReplyAsync(Chats.Ask("What is the capital of France?", thinking: false));
        Assert.Equal(("", 0), (quick.Reasoning, quick.Finish.Usage.ReasoningTokens));
        Assert.Contains("Paris", quick.Content, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("The")]
    [InlineData("The capital of")]
    [InlineData("The capital of France is")]
    public async Task AReplyGoesOnFromItsBeginning(string beginning)
    {
        ChatRequest request = Chats.Ask("What is the capital of France?", thinking: false);
        string whole = (await _engine.ReplyAsync(request)).Content;
        CollectedReply rest = await _engine.ReplyAsync(request with { Messages = [.. request.Messages, new(ChatRole.Assistant, beginning)], ContinueReply = true });

        Assert.StartsWith(beginning, whole, StringComparison.Ordinal);
        Assert.Equal(whole, beginning + rest.Content);
        Assert.Equal((ChatFinishReason.Stop, ""), (rest.Finish.Reason, rest.Reasoning));

        // Its prompt is the beginning of the one that the next turn will have.
        ChatRequest next = request with { Messages = [.. request.Messages, new(ChatRole.Assistant, whole), new(ChatRole.User, "And of Spain?")] };
        Assert.InRange((await _engine.ReplyAsync(next)).Finish.Usage.CachedTokens, rest.Finish.Usage.PromptTokens - 1, int.MaxValue);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public async Task ABudgetClosesTheThought(int budget)
    {
        CollectedReply reply = await _engine.ReplyAsync(Chats.Ask("What is 27 + 35?", thinking: true) with { ThinkingBudget = budget });
        Assert.Equal(budget + 2, reply.Finish.Usage.ReasoningTokens); // The tags count, too.
        Assert.NotEqual("", reply.Content);
        Assert.Equal(ChatFinishReason.Stop, reply.Finish.Reason);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ForcedCalls(bool thinking)
    {
        ChatRequest request = Chats.Ask("What is the capital of France?", thinking, Chats.Weather, new ToolDefinition("now", null, null)) with { ToolMode = ToolMode.Required };
        CollectedReply any = await _engine.ReplyAsync(request with { AllowParallelToolCalls = false });
        Assert.Equal(ChatFinishReason.ToolCalls, any.Finish.Reason);
        Assert.Single(any.Calls);
        CollectedReply now = await _engine.ReplyAsync(request with { AllowedTools = ["now"], AllowParallelToolCalls = false });
        Assert.Equal(("now", "{}"), (now.Calls.Single().Name, now.Calls.Single().Arguments));
        Assert.Equal((ChatFinishReason.ToolCalls, ""), (now.Finish.Reason, now.Content));
        Assert.Equal(thinking, now.Reasoning.Length > 0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AnAnswerInASchema(bool thinking)
    {
        ChatRequest request = Chats.Ask("What is the capital of France?", thinking) with { AnswerGrammar = Grammar.FromJsonSchema(CitySchema) };
        CollectedReply reply = await _engine.ReplyAsync(request);
        Assert.True(SchemaValidator.IsValid(CitySchema, reply.Content), reply.Content);
        Assert.Equal(thinking, reply.Reasoning.Length > 0);

        CollectedReply limited = await _engine.ReplyAsync(request with { ThinkingBudget = 2 });
        Assert.True(SchemaValidator.IsValid(CitySchema, limited.Content), limited.Content);
    }

    [Fact]
    public async Task ACallOrAnAnswerInASchema()
    {
        Grammar schema = Grammar.FromJsonSchema(CitySchema);
        CollectedReply call = await _engine.ReplyAsync(Chats.Ask("What is the weather in Paris?", true, Chats.Weather) with { AnswerGrammar = schema });
        Assert.Equal("get_weather", call.Calls.Single().Name);
        CollectedReply answer = await _engine.ReplyAsync(Chats.Ask("What is the capital of France?", false, Chats.Weather) with { AnswerGrammar = schema, ToolMode = ToolMode.None });
        Assert.True(SchemaValidator.IsValid(CitySchema, answer.Content), answer.Content);
    }

    [Fact]
    public async Task NoCallWhereNoneIsWanted()
    {
        CollectedReply reply = await _engine.ReplyAsync(Chats.Ask("What is the weather in Paris?", true, Chats.Weather) with { ToolMode = ToolMode.None });
        Assert.Empty(reply.Calls);
        Assert.DoesNotContain("<tool_call>", reply.Content, StringComparison.Ordinal);
        Assert.NotEqual(ChatFinishReason.ToolCalls, reply.Finish.Reason);
    }

    [Fact]
    public async Task LogprobsAreThoseOfTheAnswer()
    {
        ChatRequest request = Chats.Ask("What is the capital of France?", thinking: true);
        CollectedReply reply = await _engine.ReplyAsync(request with { Generation = Chats.Greedy with { Logprobs = 2 } });
        int[] tokens = [.. reply.Updates.Select(update => update.Logprobs).OfType<TokenLogprobs>().Select(logprobs => logprobs.Chosen.TokenId)];
        Assert.Equal(reply.Content, _serving.Model.Tokenizer.Decode(tokens));
        Assert.True(reply.Updates.Count > tokens.Length + 3);
    }

    [Fact]
    public async Task LimitsAndStopStringsEndReplies()
    {
        ChatRequest request = Chats.Ask("What is the capital of France?", thinking: false);
        CollectedReply cut = await _engine.ReplyAsync(request with { Generation = Chats.Greedy with { MaxTokens = 2 } });
        Assert.Equal((ChatFinishReason.Length, 2), (cut.Finish.Reason, cut.Finish.Usage.CompletionTokens));
        CollectedReply stopped = await _engine.ReplyAsync(request with { Generation = Chats.Greedy with { StopStrings = ["Paris"] } });
        Assert.Equal((ChatFinishReason.Stop, "Paris"), (stopped.Finish.Reason, stopped.Finish.StopString));
        Assert.DoesNotContain("Paris", stopped.Content, StringComparison.Ordinal);
        CollectedReply inCall = await _engine.ReplyAsync(Chats.Ask("What is the weather in Paris?", false, Chats.Weather) with { Generation = Chats.Greedy with { MaxTokens = 12 } });
        Assert.Equal((ChatFinishReason.Length, 0), (inCall.Finish.Reason, inCall.Calls.Length));
        Assert.Contains(inCall.Updates.SelectMany(update => update.Parts), part => part is ToolCallFailed);
        Assert.StartsWith("\n<tool_call>get_weather".TrimStart(), inCall.Content.TrimStart(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task LeavingAReplyStopsTheWork()
    {
        ChatReply reply = _engine.Submit(Chats.Ask("Tell me a story.", false) with { Generation = Chats.Greedy with { MaxTokens = 0, IgnoreEndOfGeneration = true } }, TestContext.Current.CancellationToken);
        await foreach (ChatUpdate update in reply)
        {
            Assert.Null(update.Finish);
            break;
        }

        SchedulerStatistics statistics = await _serving.IdleAsync();
        Assert.Equal(1, statistics.Cancelled);
        Assert.Throws<InvalidOperationException>(() => reply.GetAsyncEnumerator(TestContext.Current.CancellationToken));
        using CancellationTokenSource cancellation = new();
        await using ChatReply cancelled = _engine.Submit(Chats.Ask("Tell me a story.", false), cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ChatUpdate _ in cancelled)
            {
            }
        });
    }

    [Fact]
    public void TheKindOfReplyDoesNotChangeThePrompt()
    {
        ChatRequest request = Chats.Ask("Q", true, Chats.Weather, new ToolDefinition("now", null, null));
        string prompt = _engine.Render(request).Text;
        Assert.Equal(prompt, _engine.Render(request with { ToolMode = ToolMode.None }).Text);
        Assert.Equal(prompt, _engine.Render(request with { ToolMode = ToolMode.Required, AllowedTools = ["now"], ThinkingBudget = 3, AnswerGrammar = Grammar.JsonObject }).Text);
        Assert.Equal(_serving.Model.Tokenizer.Encode(_engine.Render(request).Segments).Length, _engine.CountTokens(request));
        ToolCall[] calls = [new("1", "now", ""), new("2", "now", "null"), new("3", "get_weather", JsonSerializer.Serialize("""{"city": "Rom"}""")), new("4", "get_weather", """{"city":"Rom"}""")];
        string history = _engine.Render(request with { Messages = [.. request.Messages, new ChatMessage(ChatRole.Assistant, "") { ToolCalls = calls }] }).Text;
        Assert.Equal(2, history.Split("<tool_call>now\n</tool_call>").Length - 1);
        Assert.Equal(2, history.Split("<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Rom</arg_value>\n</tool_call>").Length - 1);

        string cut = _engine.Render(request with { Messages = [.. request.Messages, new ChatMessage(ChatRole.Assistant, "") { ToolCalls = [new("5", "get_weather", "{\"city\": \"R")] }] }).Text;
        Assert.Contains("<tool_call>get_weather\n<arg_key>arguments</arg_key>\n<arg_value>{\"city\": \"R</arg_value>\n</tool_call>", cut, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatContradictsItselfIsRefused()
    {
        ChatRequest request = Chats.Ask("Q", true, Chats.Weather);
        Refused("none that it may call", Chats.Ask("Q") with { ToolMode = ToolMode.Required });
        Refused("none that it may call", request with { ToolMode = ToolMode.Required, AllowedTools = [] });
        Refused("'x' may be called", request with { AllowedTools = ["x"] });
        Refused("two tools with the name 'get_weather'", request with { Tools = [Chats.Weather, Chats.Weather] });
        Refused("ThinkingBudget", request with { ThinkingBudget = -1 });
        Refused("AnswerGrammar", request with { Generation = Chats.Greedy with { Grammar = Grammar.JsonObject } });
        Assert.Throws<PromptTooLongException>(() => _engine.Submit(Chats.Ask(string.Concat(Enumerable.Repeat("word ", 2000))), TestContext.Current.CancellationToken));

        void Refused(string message, ChatRequest refused) =>
            Assert.Contains(message, Assert.ThrowsAny<ArgumentException>(() => _engine.Submit(refused, TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }
}
