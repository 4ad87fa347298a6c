using System.ClientModel;
using System.ComponentModel;
using Microsoft.Extensions.AI;
using OpenAI;

namespace CpuMoe.Server.Tests;

/// <summary>Microsoft.Extensions.AI over OpenAI's client.</summary>
public class ExtensionsAiClientTests(ServerFixture fixture)
{
    private const string France = "What is the capital of France?";

    private readonly IChatClient _client = new OpenAI.Chat.ChatClient("gpt-4o", new ApiKeyCredential("unused"), new OpenAIClientOptions { Endpoint = new Uri(fixture.Server.Address, "/v1") }).AsIChatClient();

    [Theory]
    [InlineData(ReasoningEffort.None, false)]
    [InlineData(ReasoningEffort.High, true)]
    public async Task Thinks_as_asked(ReasoningEffort effort, bool thinks)
    {
        ChatOptions options = Options(effort);
        ChatResponse whole = await _client.GetResponseAsync(France, options, TestContext.Current.CancellationToken);
        ChatResponse streamed = await _client.GetStreamingResponseAsync(France, options, TestContext.Current.CancellationToken).ToChatResponseAsync(TestContext.Current.CancellationToken);

        foreach (ChatResponse response in (ChatResponse[])[whole, streamed])
        {
            Assert.Equal("The capital of France is Paris.", response.Text);
            Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
            Assert.Equal(thinks, response.Messages.SelectMany(message => message.Contents).OfType<TextReasoningContent>().Any());
            Assert.Equal(thinks, response.Usage!.ReasoningTokenCount > 0);
            Assert.Equal(response.Usage.InputTokenCount + response.Usage.OutputTokenCount, response.Usage.TotalTokenCount);
        }
    }

    [Fact]
    public async Task Functions_are_invoked_and_their_results_used()
    {
        List<string> cities = [];
        using IChatClient client = _client.AsBuilder().UseFunctionInvocation().Build();
        ChatOptions options = Options(ReasoningEffort.None);
        options.Tools = [AIFunctionFactory.Create(GetWeather, "get_weather", "Get the current weather for a city.")];
        options.ToolMode = ChatToolMode.RequireSpecific("get_weather");
        options.AllowMultipleToolCalls = false;
        ChatResponse response = await client.GetResponseAsync("What is the weather in Oslo?", options, TestContext.Current.CancellationToken);

        Assert.Equal(["Oslo"], cities);
        Assert.Contains("7 degrees", response.Text, StringComparison.Ordinal);

        string GetWeather([Description("City name.")] string city)
        {
            cities.Add(city);
            return $$"""{"city": "{{city}}", "temperature": 7, "condition": "sunny"}""";
        }
    }

    [Fact]
    public async Task Answers_can_be_objects()
    {
        ChatResponse<Verdict> response = await _client.GetResponseAsync<Verdict>(France, Options(ReasoningEffort.None), cancellationToken: TestContext.Current.CancellationToken);

        Assert.True(Enum.IsDefined(response.Result.Value));
    }

    private static ChatOptions Options(ReasoningEffort effort) => new() { Temperature = 0, Reasoning = new ReasoningOptions { Effort = effort } };

    [System.Diagnostics.CodeAnalysis.SuppressMessage("Performance", "CA1812", Justification = "Made from JSON.")]
    private sealed record Verdict(Answer Value);

    private enum Answer
    {
        Yes,
        No,
    }
}
