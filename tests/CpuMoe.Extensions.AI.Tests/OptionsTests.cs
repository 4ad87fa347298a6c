using System.Text.Json;
using CpuMoe.Generation;
using CpuMoe.Grammars;
using CpuMoe.Serving;
using Microsoft.Extensions.AI;
using ChatFinishReason = Microsoft.Extensions.AI.ChatFinishReason;

namespace CpuMoe.Extensions.AI.Tests;

/// <summary>What chat options do.</summary>
public class OptionsTests(DemoClient demo)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private sealed record City(Colour Flag, bool IsCapital);

    private enum Colour
    {
        Red,
        Green,
    }

    [Theory]
    [InlineData(ReasoningEffort.None)]
    [InlineData(ReasoningEffort.High)]
    public async Task A_schema_holds(ReasoningEffort effort)
    {
        ChatOptions options = Limited(effort);
        options.ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonDocument.Parse(
            """{"type":"object","properties":{"city":{"type":"string","maxLength":20},"sure":{"type":"boolean"}},"required":["city","sure"],"additionalProperties":false}""").RootElement);
        ChatResponse response = await demo.Client.GetResponseAsync(DemoClient.France, options, Cancellation);

        using JsonDocument json = JsonDocument.Parse(response.Text);
        Assert.Equal(["city", "sure"], json.RootElement.EnumerateObject().Select(member => member.Name));
        Assert.Equal(effort != ReasoningEffort.None, response.Messages[0].Contents.OfType<TextReasoningContent>().Any());
    }

    [Fact]
    public async Task A_typed_response_is_what_its_type_says()
    {
        ChatResponse<City> city = await demo.Client.GetResponseAsync<City>(DemoClient.France, Limited(ReasoningEffort.None), cancellationToken: Cancellation);
        Assert.True(Enum.IsDefined(city.Result.Flag));

        ChatResponse<Colour> colour = await demo.Client.GetResponseAsync<Colour>("Red or green?", Limited(ReasoningEffort.None), cancellationToken: Cancellation);
        Assert.True(Enum.IsDefined(colour.Result));
    }

    [Fact]
    public async Task Json_without_a_schema_is_any_json()
    {
        ChatOptions options = Limited(ReasoningEffort.None);
        options.ResponseFormat = ChatResponseFormat.Json;
        options.StopSequences = ["}"]; // A model that was not trained on JSON might go on and on.
        ChatResponse response = await demo.Client.GetResponseAsync(DemoClient.France, options, Cancellation);

        Assert.Matches("^[\\[{\"0-9tfn-]", response.Text);
    }

    [Fact]
    public async Task Tool_modes_are_kept()
    {
        ChatOptions options = DemoClient.Direct;
        options.Tools = [DemoClient.Weather([]), AIFunctionFactory.Create((string city) => city.Length, "get_population", "Get the population of a city."), new HostedWebSearchTool()];

        options.ToolMode = ChatToolMode.RequireAny;
        options.MaxOutputTokens = 300;
        Assert.NotEmpty(Calls(await demo.Client.GetResponseAsync("Hello!", options, Cancellation)));

        options.ToolMode = ChatToolMode.RequireSpecific("get_population");
        options.AllowMultipleToolCalls = false;
        ChatResponse specific = await demo.Client.GetResponseAsync("What is the weather in Paris?", options, Cancellation);
        Assert.Equal("get_population", Assert.Single(Calls(specific)).Name);
        Assert.Equal(ChatFinishReason.ToolCalls, specific.FinishReason);

        options.ToolMode = ChatToolMode.None;
        Assert.Empty(Calls(await demo.Client.GetResponseAsync("What is the weather in Paris?", options, Cancellation)));

        options.ToolMode = ChatToolMode.RequireSpecific("get_time");
        await Assert.ThrowsAsync<ArgumentException>(() => demo.Client.GetResponseAsync("x", options, Cancellation));
    }

    [Fact]
    public async Task Limits_stops_and_instructions_are_kept()
    {
        ChatOptions options = DemoClient.Direct;
        options.MaxOutputTokens = 3;
        ChatResponse cut = await demo.Client.GetResponseAsync(DemoClient.France, options, Cancellation);
        Assert.Equal((3, ChatFinishReason.Length), (cut.Usage!.OutputTokenCount, cut.FinishReason));

        options = DemoClient.Direct;
        options.StopSequences = [" is"];
        ChatResponse stopped = await demo.Client.GetResponseAsync(DemoClient.France, options, Cancellation);
        Assert.Equal(("The capital of France", ChatFinishReason.Stop), (stopped.Text, stopped.FinishReason));

        options = DemoClient.Direct;
        ChatResponse plain = await demo.Client.GetResponseAsync(DemoClient.France, options, Cancellation);
        options.Instructions = "Answer briefly.";
        ChatResponse instructed = await demo.Client.GetResponseAsync(DemoClient.France, options, Cancellation);
        ChatResponse asMessage = await demo.Client.GetResponseAsync([new(ChatRole.System, "Answer briefly."), new(ChatRole.User, DemoClient.France)], DemoClient.Direct, Cancellation);
        Assert.True(instructed.Usage!.InputTokenCount > plain.Usage!.InputTokenCount);
        Assert.Equal(asMessage.Usage!.InputTokenCount, instructed.Usage.InputTokenCount);
    }

    [Fact]
    public async Task A_seed_repeats_the_answer_and_another_does_not()
    {
        string[] texts = new string[3];
        for (int i = 0; i < texts.Length; i++)
        {
            ChatOptions options = DemoClient.Direct;
            options.Temperature = 5;
            options.TopK = 0;
            options.TopP = 1;
            options.Seed = i < 2 ? -7 : 8;
            options.MaxOutputTokens = 20;
            options.AdditionalProperties = new() { ["min_p"] = 0 };
            texts[i] = (await demo.Client.GetResponseAsync(DemoClient.France, options, Cancellation)).Text;
        }

        Assert.Equal(texts[0], texts[1]);
        Assert.NotEqual(texts[0], texts[2]);
        Assert.NotEqual(DemoClient.FranceAnswer, texts[0]);
    }

    [Fact]
    public async Task A_thought_can_be_hidden_limited_or_left_out()
    {
        ChatOptions hidden = new() { Reasoning = new ReasoningOptions { Output = ReasoningOutput.None } };
        ChatResponse response = await demo.Client.GetResponseAsync(DemoClient.France, hidden, Cancellation);
        Assert.IsType<TextContent>(Assert.Single(response.Messages[0].Contents));
        Assert.True(response.Usage!.ReasoningTokenCount > 5);

        ChatOptions limited = new() { AdditionalProperties = new() { ["thinking_budget"] = 4 } };
        response = await demo.Client.GetResponseAsync(DemoClient.France, limited, Cancellation);
        Assert.InRange(response.Usage!.ReasoningTokenCount!.Value, 1, 8);
        Assert.NotEmpty(response.Text);

        ChatOptions none = new() { AdditionalProperties = new() { ["enable_thinking"] = JsonSerializer.SerializeToElement(false) } };
        Assert.Equal(0, (await demo.Client.GetResponseAsync(DemoClient.France, none, Cancellation)).Usage!.ReasoningTokenCount);
    }

    [Fact]
    public async Task Grammars_and_the_engines_own_options_are_taken()
    {
        ChatOptions options = DemoClient.Direct;
        options.AdditionalProperties = new() { ["grammar"] = "root ::= \"London\" | \"Paris\"" };
        Assert.Equal("Paris", (await demo.Client.GetResponseAsync(DemoClient.France, options, Cancellation)).Text);

        options = DemoClient.Direct;
        options.MaxOutputTokens = 2;
        options.RawRepresentationFactory = _ => new GenerationOptions { MaxTokens = 4, Logprobs = 1 };
        List<ChatResponseUpdate> updates = await demo.Client.GetStreamingResponseAsync(DemoClient.France, options, Cancellation).ToListAsync(Cancellation);
        Assert.Equal(4, updates[^1].Contents.OfType<UsageContent>().Single().Details.OutputTokenCount);
        Assert.Contains(updates, update => ((ChatUpdate)update.RawRepresentation!).Logprobs is not null);
    }

    public static TheoryData<ChatOptions, Type, string> Refused => new()
    {
        { new() { ModelId = "gpt" }, typeof(ArgumentException), "'gpt' is not loaded; this client answers with 'demo-Q4_K_M'" },
        { new() { ConversationId = "c1" }, typeof(NotSupportedException), "ConversationId" },
        { new() { ContinuationToken = ResponseContinuationToken.FromBytes(new byte[] { 1 }) }, typeof(NotSupportedException), "ContinuationToken" },
        { new() { MaxOutputTokens = 0 }, typeof(ArgumentOutOfRangeException), "MaxOutputTokens" },
        { new() { Temperature = -1 }, typeof(ArgumentOutOfRangeException), "Temperature" },
        { new() { TopP = 0 }, typeof(ArgumentOutOfRangeException), "TopP" },
        { new() { StopSequences = [""] }, typeof(ArgumentException), "top" },
        { new() { ToolMode = ChatToolMode.RequireAny }, typeof(ArgumentException), "must call a tool" },
        { new() { AdditionalProperties = new() { ["min_p"] = "much" } }, typeof(ArgumentException), "'min_p' is 'much', but must be a number" },
        { new() { AdditionalProperties = new() { ["enable_thinking"] = 1 } }, typeof(ArgumentException), "must be true or false" },
        { new() { AdditionalProperties = new() { ["thinking_budget"] = 1.5 } }, typeof(ArgumentException), "must be a whole number" },
        { new() { AdditionalProperties = new() { ["chat_template_kwargs"] = "x" } }, typeof(ArgumentException), "must be a JSON object" },
        { new() { AdditionalProperties = new() { ["grammar"] = "root ::= (" } }, typeof(GrammarException), "line 1" },
        { new() { AdditionalProperties = new() { ["grammar"] = "root ::= \"x\"" }, ResponseFormat = ChatResponseFormat.Json }, typeof(ArgumentException), "exclude each other" },
        { new() { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonDocument.Parse("""{"type":"x"}""").RootElement) }, typeof(GrammarException), "/type" },
    };

    [Theory]
    [MemberData(nameof(Refused), DisableDiscoveryEnumeration = true)]
    public async Task What_cannot_be_done_is_refused(ChatOptions options, Type type, string message)
    {
        Exception fault = await Assert.ThrowsAsync(type, () => demo.Client.GetResponseAsync("Hello", options, Cancellation));
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_prompt_that_does_not_fit_is_refused()
    {
        PromptTooLongException fault = await Assert.ThrowsAsync<PromptTooLongException>(
            () => demo.Client.GetResponseAsync(string.Concat(Enumerable.Repeat("France ", 2000)), cancellationToken: Cancellation));
        Assert.Equal(1024, fault.ContextLength);
    }

    private static ChatOptions Limited(ReasoningEffort effort) => new() { Reasoning = new ReasoningOptions { Effort = effort }, MaxOutputTokens = 400 };

    private static IEnumerable<FunctionCallContent> Calls(ChatResponse response) => response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>();
}
