using System.Text.Json.Nodes;

namespace CpuMoe.Server.Tests;

/// <summary>The bytes of streamed chat completions.</summary>
public class ChatStreamTests(ServerFixture fixture)
{
    private readonly RunningServer _server = fixture.Server;

    [Theory]
    [InlineData("""{"reasoning_effort":"high","stream_options":{"include_usage":true}}""")]
    [InlineData("""{"logprobs":true,"top_logprobs":2}""")]
    [InlineData("""{"n":3,"temperature":1.5,"seed":3,"max_tokens":20,"stream_options":{"include_usage":true}}""")]
    [InlineData("""{"stop":["Paris."]}""")]
    public async Task Streams_follow_the_grammar_and_tell_the_same_as_whole_answers(string members)
    {
        JsonObject body = Requests.Chat("What is the capital of France?", members);
        JsonNode whole = await _server.PostJsonAsync(Requests.ChatPath, body);
        List<JsonNode> chunks = await StreamAsync(body);

        bool includesUsage = members.Contains("include_usage", StringComparison.Ordinal);
        CheckHead(chunks, includesUsage);
        foreach (JsonNode? choice in whole["choices"]!.AsArray())
        {
            List<JsonNode> own = [.. chunks.SelectMany(chunk => chunk["choices"]!.AsArray()).OfType<JsonNode>().Where(c => (int)c["index"]! == (int)choice!["index"]!)];
            Assert.Equal("""{"role":"assistant","content":""}""", own[0]["delta"]!.ToJsonString());
            Assert.All(own.Skip(1).SkipLast(1), c => Assert.Single(c["delta"]!.AsObject()));
            Assert.All(own.SkipLast(1), c => Assert.Null(c["finish_reason"]));
            Assert.Equal("{}", own[^1]["delta"]!.ToJsonString());
            Assert.Equal((string)choice!["finish_reason"]!, (string)own[^1]["finish_reason"]!);
            Assert.Equal((string?)choice["message"]!["content"], Join(own, "content"));
            Assert.Equal((string?)choice["message"]!["reasoning_content"] ?? "", Join(own, "reasoning_content"));
            JsonNode?[] logprobs = [.. own.Where(c => c["logprobs"] is not null).SelectMany(c => c["logprobs"]!["content"]!.AsArray())];
            Assert.Equal(choice["logprobs"]?["content"]!.AsArray().Select(l => l!.ToJsonString()) ?? [], logprobs.Select(l => l!.ToJsonString()));
        }

        if (includesUsage)
        {
            Assert.Empty(chunks[^1]["choices"]!.AsArray());
            Assert.Equal((int)whole["usage"]!["completion_tokens"]!, (int)chunks[^1]["usage"]!["completion_tokens"]!);
            Assert.Equal((int)whole["usage"]!["prompt_tokens"]!, (int)chunks[^1]["usage"]!["prompt_tokens"]!);
        }
    }

    [Fact]
    public async Task Calls_are_streamed_in_pieces()
    {
        JsonObject body = Requests.Chat("What is the weather in Oslo?", $$"""{"tools":[{{Requests.WeatherTool}}],"tool_choice":"required","parallel_tool_calls":false}""");
        List<JsonNode> chunks = await StreamAsync(body);

        CheckHead(chunks, includesUsage: false);
        JsonNode[] deltas = [.. chunks.Select(chunk => chunk["choices"]![0]!["delta"]!["tool_calls"]).Where(calls => calls is not null).Select(calls => Assert.Single(calls!.AsArray())!)];
        Assert.Equal("function", (string)deltas[0]["type"]!);
        Assert.StartsWith("call_", (string)deltas[0]["id"]!, StringComparison.Ordinal);
        Assert.Equal("""{"name":"get_weather","arguments":""}""", deltas[0]["function"]!.ToJsonString());
        Assert.All(deltas.Skip(1), delta => Assert.Equal(["index", "function"], delta.AsObject().Select(member => member.Key)));
        JsonObject arguments = JsonNode.Parse(string.Concat(deltas.Select(delta => (string)delta["function"]!["arguments"]!)))!.AsObject();
        Assert.Equal(["city"], arguments.Select(member => member.Key));
        Assert.True(deltas.Length > 2, "The arguments come while they are made.");
        Assert.Equal("tool_calls", (string)chunks[^1]["choices"]![0]!["finish_reason"]!);
    }

    [Fact]
    public async Task Headers_come_at_once_and_silence_is_kept_alive()
    {
        await using RunningServer server = await fixture.StartAsync(options => options.KeepAliveInterval = TimeSpan.FromMilliseconds(20));
        JsonObject endless = Requests.Chat("Tell me a story.", $$"""{"stream":true,"logit_bias":{{fixture.NeverEnd.ToJsonString()}}}""");
        using HttpResponseMessage busy = await server.PostAsync(Requests.ChatPath, endless, stream: true);
        using HttpResponseMessage waiting = await server.PostAsync(Requests.ChatPath, Requests.Chat("What is the capital of France?", """{"stream":true}"""), stream: true);

        // The only slot is busy, and yet the second request has its headers.
        Assert.Equal(1, server.Scheduler.Statistics.Waiting);
        Assert.Equal("text/event-stream; charset=utf-8", waiting.Content.Headers.ContentType!.ToString());
        Assert.Equal("no-cache", waiting.Headers.CacheControl!.ToString());
        Assert.Equal("no", Assert.Single(waiting.Headers.GetValues("X-Accel-Buffering")));
        Assert.Null(waiting.Content.Headers.ContentLength);
        await Task.Delay(100, TestContext.Current.CancellationToken);
        busy.Dispose();
        List<string> data = ServerSentEvents.Read(await waiting.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken), out int comments);
        Assert.Equal("[DONE]", data[^1]);
        Assert.True(comments > 1, $"{comments} comments");
    }

    private static void CheckHead(List<JsonNode> chunks, bool includesUsage)
    {
        foreach (string member in (string[])["id", "created", "model", "system_fingerprint", "object"])
        {
            Assert.Single(chunks.Select(chunk => chunk[member]!.ToJsonString()).Distinct());
        }

        Assert.Equal("chat.completion.chunk", (string)chunks[0]["object"]!);
        Assert.All(chunks, chunk => Assert.Equal(includesUsage, chunk.AsObject().ContainsKey("usage")));
        if (includesUsage)
        {
            Assert.All(chunks.SkipLast(1), chunk => Assert.Null(chunk["usage"]));
        }
    }

    private async Task<List<JsonNode>> StreamAsync(JsonObject body)
    {
        JsonObject streamed = body.DeepClone().AsObject();
        streamed["stream"] = true;
        using HttpResponseMessage response = await _server.PostAsync(Requests.ChatPath, streamed);
        return ServerSentEvents.ReadChunks(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    private static string Join(List<JsonNode> choices, string member) => string.Concat(choices.Select(choice => (string?)choice["delta"]![member]));
}
