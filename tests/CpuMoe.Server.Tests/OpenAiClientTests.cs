using System.ClientModel;
using System.Text;
using System.Text.Json;
using OpenAI;
using OpenAI.Chat;

namespace CpuMoe.Server.Tests;

/// <summary>OpenAI's own client for .NET.</summary>
[Collection(nameof(RunAlone))]
public class OpenAiClientTests(ServerFixture fixture)
{
    private const string France = "What is the capital of France?";

    private readonly ChatClient _client = new("gpt-4o", new ApiKeyCredential("unused"), new OpenAIClientOptions { Endpoint = new Uri(fixture.Server.Address, "/v1") });

    [Fact]
    public async Task Chats()
    {
        ChatCompletion answer = await _client.CompleteChatAsync([new SystemChatMessage("Be brief."), new UserChatMessage(France)], NoThinking(), TestContext.Current.CancellationToken);

        Assert.Equal("The capital of France is Paris.", answer.Content[0].Text);
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        Assert.Equal("gpt-4o", answer.Model);
        Assert.Equal(answer.Usage.InputTokenCount + answer.Usage.OutputTokenCount, answer.Usage.TotalTokenCount);
    }

    [Fact]
    public async Task Streams_with_usage()
    {
        StringBuilder text = new();
        ChatTokenUsage? usage = null;
        ChatFinishReason? reason = null;
        await foreach (StreamingChatCompletionUpdate update in _client.CompleteChatStreamingAsync([new UserChatMessage(France)], NoThinking(), TestContext.Current.CancellationToken))
        {
            text.AppendJoin("", update.ContentUpdate.Select(part => part.Text));
            usage = update.Usage ?? usage;
            reason = update.FinishReason ?? reason;
        }

        Assert.Equal("The capital of France is Paris.", text.ToString());
        Assert.Equal(ChatFinishReason.Stop, reason);
        Assert.True(usage!.OutputTokenCount > 0);
    }

    [Fact]
    public async Task Calls_a_tool_and_answers_with_its_result()
    {
        ChatCompletionOptions options = NoThinking();
        options.Tools.Add(ChatTool.CreateFunctionTool("get_weather", "Get the current weather for a city.", BinaryData.FromString(
            """{"type":"object","properties":{"city":{"type":"string","description":"City name."}},"required":["city"]}""")));
        options.ToolChoice = ChatToolChoice.CreateRequiredChoice();
        options.AllowParallelToolCalls = false;
        List<ChatMessage> messages = [new UserChatMessage("What is the weather in Oslo?")];
        ChatCompletion call = await _client.CompleteChatAsync(messages, options, TestContext.Current.CancellationToken);

        Assert.Equal(ChatFinishReason.ToolCalls, call.FinishReason);
        ChatToolCall tool = Assert.Single(call.ToolCalls);
        using JsonDocument arguments = JsonDocument.Parse(tool.FunctionArguments);
        Assert.Equal("Oslo", arguments.RootElement.GetProperty("city").GetString());

        messages.Add(new AssistantChatMessage(call));
        messages.Add(new ToolChatMessage(tool.Id, """{"city": "Oslo", "temperature": 7, "condition": "sunny"}"""));
        options.ToolChoice = ChatToolChoice.CreateAutoChoice();
        ChatCompletion answer = await _client.CompleteChatAsync(messages, options, TestContext.Current.CancellationToken);

        Assert.Equal("The weather in Oslo is sunny with 7 degrees.", answer.Content[0].Text);
    }

    [Fact]
    public async Task Streams_a_call()
    {
        ChatCompletionOptions options = NoThinking();
        options.Tools.Add(ChatTool.CreateFunctionTool("add", "Adds.", BinaryData.FromString("""{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"required":["a","b"]}""")));
        options.ToolChoice = ChatToolChoice.CreateFunctionChoice("add");
        options.AllowParallelToolCalls = false;
        StringBuilder arguments = new();
        List<string> names = [];
        await foreach (StreamingChatCompletionUpdate update in _client.CompleteChatStreamingAsync([new UserChatMessage("What is 12 + 30?")], options, TestContext.Current.CancellationToken))
        {
            foreach (StreamingChatToolCallUpdate call in update.ToolCallUpdates)
            {
                names.AddRange(call.FunctionName is { } name ? [name] : []);
                arguments.Append(call.FunctionArgumentsUpdate?.ToString());
            }
        }

        Assert.Equal(["add"], names);
        using JsonDocument document = JsonDocument.Parse(arguments.ToString());
        Assert.Equal(["a", "b"], document.RootElement.EnumerateObject().Select(member => member.Name));
    }

    [Fact]
    public async Task Keeps_to_a_schema_stops_and_tells_probabilities()
    {
        ChatCompletionOptions schema = NoThinking(), stop = NoThinking(), logprobs = NoThinking();
        schema.ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat("city", BinaryData.FromString("""{"type":"object","properties":{"capital":{"enum":["Paris","Rome"]}},"required":["capital"],"additionalProperties":false}"""), jsonSchemaIsStrict: true);
        stop.StopSequences.Add(" is");
        logprobs.IncludeLogProbabilities = true;
        logprobs.TopLogProbabilityCount = 4;
        logprobs.Seed = 1;
        ChatCompletion json = await AskAsync(schema), cut = await AskAsync(stop), told = await AskAsync(logprobs);

        using JsonDocument document = JsonDocument.Parse(json.Content[0].Text);
        Assert.Contains(document.RootElement.GetProperty("capital").GetString(), (string[])["Paris", "Rome"]);
        Assert.Equal("The capital of France", cut.Content[0].Text);
        Assert.Equal(told.Content[0].Text, string.Concat(told.ContentTokenLogProbabilities.Select(entry => entry.Token)));
        Assert.All(told.ContentTokenLogProbabilities, entry => Assert.Equal(4, entry.TopLogProbabilities.Count));
    }

    [Fact]
    public async Task Errors_are_told_and_not_repeated()
    {
        ClientResultException unknown = await Assert.ThrowsAsync<ClientResultException>(
            () => new ChatClient("nothing", new ApiKeyCredential("unused"), new OpenAIClientOptions { Endpoint = new Uri(fixture.Server.Address, "/v1") }).CompleteChatAsync("Hi"));
        ClientResultException tooLong = await Assert.ThrowsAsync<ClientResultException>(() => _client.CompleteChatAsync(string.Concat(Enumerable.Repeat("word ", 4000))));

        Assert.Equal((404, 400), (unknown.Status, tooLong.Status));
        Assert.Contains("model_not_found", unknown.Message, StringComparison.Ordinal);
        Assert.Contains("maximum context length is 2048 tokens", tooLong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_that_is_left_stops_the_work()
    {
        await using RunningServer server = await fixture.StartAsync();
        ChatClient client = new("demo-Q4_K_M", new ApiKeyCredential("unused"), new OpenAIClientOptions { Endpoint = new Uri(server.Address, "/v1") });
        ChatCompletionOptions options = NoThinking();
        foreach (int id in fixture.Model.Tokenizer.Vocabulary.EndOfGeneration)
        {
            options.LogitBiases[id] = -100;
        }

        // A client of .NET reads on for up to 2 s or 1 MiB before it closes a connection, and the demo model fills its context
        // in less time: with all these log probabilities it is more bytes.
        options.IncludeLogProbabilities = true;
        options.TopLogProbabilityCount = 20;
        await foreach (StreamingChatCompletionUpdate _ in client.CompleteChatStreamingAsync([new UserChatMessage("Tell me a story.")], options, TestContext.Current.CancellationToken))
        {
            break;
        }

        await server.WaitUntilIdleAsync();
        Assert.Equal((1, 0), (server.Scheduler.Statistics.Cancelled, server.Scheduler.Statistics.Completed));
    }

    [Fact]
    public async Task Models_are_listed()
    {
        OpenAIClient client = new(new ApiKeyCredential("unused"), new OpenAIClientOptions { Endpoint = new Uri(fixture.Server.Address, "/v1") });

        Assert.Equal("demo-Q4_K_M", Assert.Single((await client.GetOpenAIModelClient().GetModelsAsync(TestContext.Current.CancellationToken)).Value).Id);
    }

    private async Task<ChatCompletion> AskAsync(ChatCompletionOptions options) => await _client.CompleteChatAsync([new UserChatMessage(France)], options, TestContext.Current.CancellationToken);

    private static ChatCompletionOptions NoThinking() => new() { Temperature = 0, ReasoningEffortLevel = new ChatReasoningEffortLevel("none") };
}
