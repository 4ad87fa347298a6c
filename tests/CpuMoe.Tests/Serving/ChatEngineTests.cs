using CpuMoe.Chat;
using CpuMoe.Chat.Templates;
using CpuMoe.Generation;
using CpuMoe.Serving;
using CpuMoe.Tests.Chat.Templates;
using CpuMoe.Tests.Generation;
using CpuMoe.Tests.Grammars;

namespace CpuMoe.Tests.Serving;

/// <summary>Chats with a model that writes what the test says, and with one that writes at random.</summary>
public class ChatEngineTests
{
    private const string Call = "\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Rom</arg_value>\n</tool_call>";

    [Fact]
    public async Task SeveralCallsAreOneTurn()
    {
        await using Script script = new("\n<think>two</think>\nI look." + Call + Call);
        CollectedReply reply = await script.Engine.ReplyAsync(Chats.Ask("Q", true, Chats.Weather));
        Assert.Equal(("two", "I look.", 2), (reply.Reasoning, reply.Content, reply.Calls.Length));
        Assert.NotEqual(reply.Calls[0].Id, reply.Calls[1].Id);
        Assert.Equal(ChatFinishReason.ToolCalls, reply.Finish.Reason);
    }

    [Fact]
    public async Task OneCallAtATimeEndsTheGeneration()
    {
        await using Script script = new("\nI look." + Call + Call + " and more");
        CollectedReply reply = await script.Engine.ReplyAsync(Chats.Ask("Q", true, Chats.Weather) with { AllowParallelToolCalls = false });
        Assert.Single(reply.Calls);
        Assert.Equal(("I look.", ChatFinishReason.ToolCalls), (reply.Content, reply.Finish.Reason));
        Assert.Equal(0, (await script.Serving.IdleAsync()).Running);
    }

    [Fact]
    public async Task CallsOfOtherToolsAreText()
    {
        await using Script script = new("<tool_call>now\n</tool_call>");
        CollectedReply reply = await script.Engine.ReplyAsync(Chats.Ask("Q", true, Chats.Weather, new ToolDefinition("now", null, null)) with { AllowedTools = ["get_weather"] });
        Assert.Equal(("<tool_call>now\n</tool_call>", ChatFinishReason.Stop), (reply.Content, reply.Finish.Reason));
        CollectedReply without = await script.Engine.ReplyAsync(Chats.Ask("Q", true));
        Assert.Equal("<tool_call>now\n</tool_call>", without.Content);
    }

    [Fact]
    public async Task AnotherTemplateMayOpenTheThought()
    {
        await using Script script = new("I add.</think>62", "glm-4.7");
        CollectedReply reply = await script.Engine.ReplyAsync(Chats.Ask("Q"));
        Assert.Equal(("I add.", "62"), (reply.Reasoning, reply.Content));
        CollectedReply limited = await script.Engine.ReplyAsync(Chats.Ask("Q") with { ThinkingBudget = 1 });
        Assert.Equal(2, limited.Finish.Usage.ReasoningTokens);
    }

    [Fact]
    public async Task ThinkingOffHoldsForTemplatesThatKnowNoSwitch()
    {
        await using Script open = new("62", "deepseek");
        Assert.EndsWith("<think>\n", open.Engine.Render(Chats.Ask("Q")).Text, StringComparison.Ordinal);
        Assert.EndsWith("<think>\n\n</think>\n\n", open.Engine.Render(Chats.Ask("Q", false)).Text, StringComparison.Ordinal);
        Assert.Equal(("", "62"), ((await open.Engine.ReplyAsync(Chats.Ask("Q", false))).Reasoning, (await open.Engine.ReplyAsync(Chats.Ask("Q", false))).Content));
        await using Script free = new("<think>x</think>62", "smollm2");
        Assert.Equal("x", (await free.Engine.ReplyAsync(Chats.Ask("Q"))).Reasoning);
        Assert.Equal("", (await free.Engine.ReplyAsync(Chats.Ask("Q", false))).Reasoning);
    }

    [Fact]
    public async Task ToolsOfATemplateWithoutCallsAreRefused()
    {
        await using Script script = new("x", "smollm2");
        Assert.Throws<ArgumentException>(() => script.Engine.Submit(Chats.Ask("Q", null, Chats.Weather), TestContext.Current.CancellationToken));
        Assert.Equal("x", (await script.Engine.ReplyAsync(Chats.Ask("Q", null, Chats.Weather) with { ToolMode = ToolMode.None })).Content);
    }

    /// <summary>Whatever the weights say, a forced call is one, and its arguments satisfy the schema.</summary>
    [Theory]
    [InlineData("demo")]
    [InlineData("glm-4.7")]
    [InlineData("qwen3")]
    [InlineData("llama3")]
    public async Task ForcedCallsOfRandomLogitsValidate(string template)
    {
        const string Schema = """{"type":"object","properties":{"text":{"type":"string","maxLength":12},"n":{"type":"integer","minimum":1,"maximum":14},"kind":{"type":"string","enum":["a","b"]},"list":{"type":"array","maxItems":3,"items":{"type":"boolean"}},"maybe":{"type":["integer","null"]}},"required":["text","kind"]}""";
        await using Script script = new("", template == "demo" ? null : template);
        int complete = 0;
        for (ulong seed = 0; seed < 40; seed++)
        {
            ChatRequest request = Chats.Ask("Q", seed % 2 == 0, new ToolDefinition("f", null, Schema), new ToolDefinition("now", null, null)) with
            {
                ToolMode = ToolMode.Required,
                AllowedTools = seed % 3 == 0 ? ["f"] : null,
                AllowParallelToolCalls = false,
                ThinkingBudget = 20,
                Generation = new GenerationOptions { MaxTokens = 400, Sampling = new SamplerOptions { Seed = seed, Temperature = 1000, TopK = 0, TopP = 1, MinP = 0 } },
            };
            CollectedReply reply = await script.Engine.ReplyAsync(request);
            if (reply.Finish.Reason == ChatFinishReason.Length)
            {
                continue; // Numbers of blanks in JSON, for one, are at random, too.
            }

            complete++;
            ToolCall call = Assert.Single(reply.Calls);
            Assert.Equal((ChatFinishReason.ToolCalls, ""), (reply.Finish.Reason, reply.Content));
            Assert.True(call.Name == "now" ? string.Concat(call.Arguments.Where(c => !char.IsWhiteSpace(c))) == "{}" : SchemaValidator.IsValid(Schema, call.Arguments), call.Arguments);
            Assert.True(seed % 3 != 0 || call.Name == "f");
        }

        Assert.True(complete >= 36, $"{complete} of 40 were complete");
    }

    /// <summary>An engine on a model that writes one reply to every prompt.</summary>
    private sealed class Script : IAsyncDisposable
    {
        private readonly int[] _reply;

        public Script(string reply, string? template = null)
        {
            _reply = [.. ScriptedModel.Tokenizer.Encode(reply, parseSpecial: true), ScriptedModel.Tokenizer.Vocabulary.Eos];
            Serving = ServingModel.Scripted(new ScriptedModel { Next = NextOf }, new SchedulerOptions { ContextLength = 4000 });
            Engine = new ChatEngine(Serving.Scheduler, template is null ? null : ChatTemplate.Parse(TemplateFiles.Read(template)));
        }

        public ServingModel Serving { get; }

        public ChatEngine Engine { get; }

        public ValueTask DisposeAsync() => Serving.DisposeAsync();

        /// <summary>The token of the reply after as much of it as the tokens end with.</summary>
        private int NextOf(List<int> tokens)
        {
            for (int written = Math.Min(_reply.Length - 1, tokens.Count); written > 0; written--)
            {
                if (tokens.TakeLast(written).SequenceEqual(_reply.Take(written)))
                {
                    return _reply[written];
                }
            }

            return _reply[0];
        }
    }
}
