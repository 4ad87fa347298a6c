using System.Net;
using System.Text.Json;
using Anthropic;
using Anthropic.Exceptions;
using Anthropic.Models.Messages;
using Microsoft.Extensions.AI;
using OllamaSharp;

namespace CpuMoe.Server.Tests;

/// <summary>The clients of Anthropic and of Ollama for .NET, behind the abstraction that both have.</summary>
public class DotnetClientTests(ServerFixture fixture)
{
    private const string Model = "gpt-4o";
    private const string France = "What is the capital of France?";
    private const string Paris = "The capital of France is Paris.";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("anthropic")]
    [InlineData("ollama")]
    public async Task Chats_and_streams(string client)
    {
        using IChatClient chat = Create(client);
        ChatResponse whole = await chat.GetResponseAsync(France, Options(), Cancellation);
        ChatResponse streamed = await chat.GetStreamingResponseAsync(France, Options(), Cancellation).ToChatResponseAsync(Cancellation);

        Assert.Equal((Paris, Paris), (whole.Text, streamed.Text));
        Assert.Equal((ChatFinishReason.Stop, ChatFinishReason.Stop), (whole.FinishReason, streamed.FinishReason));
        Assert.True(whole.Usage!.InputTokenCount > 0 && whole.Usage.OutputTokenCount > 0);
        Assert.Equal(whole.Usage.OutputTokenCount, streamed.Usage!.OutputTokenCount);
    }

    [Theory]
    [InlineData("anthropic")]
    [InlineData("ollama")]
    public async Task Calls_a_tool_and_answers_with_its_result(string client)
    {
        List<string> cities = [];
        AIFunction weather = AIFunctionFactory.Create(
            (string city) =>
            {
                cities.Add(city);

                // OllamaSharp sends a random id along with the result: of some temperatures the model then makes another.
                return JsonDocument.Parse($$"""{"city": "{{city}}", "temperature": 17, "condition": "cloudy"}""").RootElement;
            },
            "get_weather",
            "Get the current weather for a city.");

        // Of its own: whether the slot still holds the call that the model wrote moves the logits of the next turn by rounding.
        await using RunningServer server = await fixture.StartAsync(options => options.Aliases.Add("gpt-*"));
        using IChatClient chat = Create(client, server).AsBuilder().UseFunctionInvocation().Build();
        ChatOptions options = Options();
        options.Tools = [weather];
        options.ToolMode = client == "anthropic" ? ChatToolMode.RequireAny : ChatToolMode.Auto;
        options.AllowMultipleToolCalls = false;
        ChatResponse answer = await chat.GetStreamingResponseAsync("What is the weather in Oslo?", options, Cancellation).ToChatResponseAsync(Cancellation);

        Assert.Equal(["Oslo"], cities);
        Assert.Contains("The weather in Oslo is cloudy with 17 degrees.", answer.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("anthropic")]
    [InlineData("ollama")]
    public async Task Thinks_keeps_to_a_schema_and_stops(string client)
    {
        using IChatClient chat = Create(client);
        ChatOptions thinking = Options(), schema = Options(), stop = Options(), limit = Options();
        thinking.Reasoning = new ReasoningOptions { Effort = ReasoningEffort.High };
        thinking.AdditionalProperties = client == "ollama" ? new AdditionalPropertiesDictionary { ["think"] = true } : null;
        schema.ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("""{"type":"object","properties":{"capital":{"type":"string","enum":["Paris","Rome"]}},"required":["capital"],"additionalProperties":false}"""));
        stop.StopSequences = [" is"];
        limit.MaxOutputTokens = 3;
        ChatResponse thought = await chat.GetResponseAsync(France, thinking, Cancellation);
        ChatResponse json = await chat.GetResponseAsync(France, schema, Cancellation);
        ChatResponse stopped = await chat.GetResponseAsync(France, stop, Cancellation);
        ChatResponse cut = await chat.GetResponseAsync(France, limit, Cancellation);

        Assert.NotEqual("", Assert.Single(thought.Messages.SelectMany(message => message.Contents).OfType<TextReasoningContent>()).Text);
        Assert.Equal(Paris, thought.Text);
        Assert.Contains(JsonElement.Parse(json.Text).GetProperty("capital").GetString(), (string[])["Paris", "Rome"]);
        Assert.Equal("The capital of France", stopped.Text);
        Assert.Equal(ChatFinishReason.Length, cut.FinishReason);
    }

    [Theory]
    [InlineData("anthropic")]
    [InlineData("ollama")]
    public async Task A_stream_that_is_left_ends_its_work(string client)
    {
        await using RunningServer server = await fixture.StartAsync(options => options.AcceptAnyModelName = true);
        using IChatClient chat = Create(client, server);
        await foreach (ChatResponseUpdate update in chat.GetStreamingResponseAsync("Tell me a long story.", Options(), Cancellation))
        {
            if (update.Text.Length > 0)
            {
                break;
            }
        }

        await server.WaitUntilIdleAsync();
        Assert.Equal(0, server.Scheduler.Statistics.Failed);
    }

    [Fact]
    public async Task Anthropic_counts_tokens_and_tells_errors()
    {
        AnthropicClient client = new() { ApiKey = "unused", BaseUrl = fixture.Server.Address.ToString() };
        Message message = await client.Messages.Create(new MessageCreateParams { MaxTokens = 40, Model = Model, Messages = [new UserMessageParam(France)] }, Cancellation);
        MessageTokensCount count = await client.Messages.CountTokens(new MessageCountTokensParams { Model = Model, Messages = [new UserMessageParam(France)] }, Cancellation);
        await Assert.ThrowsAsync<AnthropicNotFoundException>(() => client.Messages.Create(new MessageCreateParams { MaxTokens = 4, Model = "other", Messages = [new UserMessageParam(France)] }, Cancellation));
        AnthropicBadRequestException tooLong = await Assert.ThrowsAsync<AnthropicBadRequestException>(
            () => client.Messages.Create(new MessageCreateParams { MaxTokens = 4, Model = Model, Messages = [new UserMessageParam(string.Concat(Enumerable.Repeat("word ", 4000)))] }, Cancellation));

        Assert.Equal(count.InputTokens, message.Usage.InputTokens + (message.Usage.CacheReadInputTokens ?? 0));
        Assert.Contains("tokens > 2048 maximum", tooLong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ollama_lists_and_shows_models_and_tells_errors()
    {
        using OllamaApiClient client = new(fixture.Server.Address, Model);
        string name = Assert.Single(await client.ListLocalModelsAsync(Cancellation)).Name;
        OllamaSharp.Models.ShowModelResponse shown = await client.ShowModelAsync(name, Cancellation);
        using OllamaApiClient other = new(fixture.Server.Address, "other");
        using IChatClient chat = other;

        Assert.True(await client.IsRunningAsync(Cancellation));
        Assert.NotNull(await client.GetVersionAsync(Cancellation));
        Assert.Contains("tools", shown.Capabilities!);
        Assert.Single(await client.ListRunningModelsAsync(Cancellation));
        Exception fault = await Assert.ThrowsAnyAsync<Exception>(() => chat.GetResponseAsync(France, Options(), Cancellation));
        Assert.True(fault is HttpRequestException { StatusCode: HttpStatusCode.NotFound } || fault.Message.Contains("other", StringComparison.Ordinal), fault.ToString());
    }

    private IChatClient Create(string client, RunningServer? server = null)
    {
        Uri address = (server ?? fixture.Server).Address;
        return client == "anthropic"
            ? new AnthropicClient { ApiKey = "unused", BaseUrl = address.ToString() }.AsIChatClient(Model, 400)
            : new OllamaApiClient(address, Model);
    }

    private static ChatOptions Options() => new() { Temperature = 0, Reasoning = new ReasoningOptions { Effort = ReasoningEffort.None } };
}
