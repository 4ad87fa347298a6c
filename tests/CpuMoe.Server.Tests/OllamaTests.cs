using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace CpuMoe.Server.Tests;

/// <summary>Ollama's API, whole and streamed.</summary>
public class OllamaTests(ServerFixture fixture)
{
    private const string France = "What is the capital of France?";
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    private readonly RunningServer _server = fixture.Server;

    [Fact]
    public async Task Models_are_described()
    {
        JsonNode tag = Assert.Single((await _server.GetJsonAsync("/api/tags"))["models"]!.AsArray())!;
        JsonNode loaded = Assert.Single((await _server.GetJsonAsync("/api/ps"))["models"]!.AsArray())!;
        JsonNode shown = await _server.PostJsonAsync("/api/show", new JsonObject { ["model"] = (string)tag["name"]! });

        Assert.EndsWith(":latest", (string)tag["name"]!, StringComparison.Ordinal);
        Assert.Equal(64, ((string)tag["digest"]!).Length);
        Assert.Equal("gguf", (string)tag["details"]!["format"]!);
        Assert.Equal(0, (int)loaded["size_vram"]!);
        Assert.Equal(["completion", "tools", "thinking"], shown["capabilities"]!.AsArray().Select(c => (string)c!));
        Assert.Equal("glm4moe", (string)shown["model_info"]!["general.architecture"]!);
        Assert.Equal(2048, (int)shown["model_info"]!["glm4moe.context_length"]!);
        Assert.Matches("^[0-9]+\\.[0-9]+\\.[0-9]+$", (string)(await _server.GetJsonAsync("/api/version"))["version"]!);
        Assert.Equal("Ollama is running", await _server.Http.GetStringAsync("/", TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("/api/chat", """{"think":true}""", "stop")]
    [InlineData("/api/chat", """{"think":"high","options":{"num_predict":5}}""", "length")]
    [InlineData("/api/chat", """{"options":{"stop":[" Par"]}}""", "stop")]
    [InlineData("/api/chat", """{"format":{"enum":["a","b"]},"keep_alive":"5m","options":{"num_ctx":32768,"num_predict":-1}}""", "stop")]
    [InlineData("/api/chat", """{"logprobs":true,"top_logprobs":2}""", "stop")]
    [InlineData("/api/generate", """{"think":true,"system":"Be brief."}""", "stop")]
    [InlineData("/api/generate", """{"raw":true,"prompt":"The capital of","options":{"num_predict":2}}""", "length")]
    public async Task Streams_are_lines_and_tell_the_same_as_whole_answers(string path, string members, string reason)
    {
        JsonObject body = Body(path, members);
        JsonNode[] lines = await StreamAsync(path, body);
        body["stream"] = false;
        JsonNode whole = await _server.PostJsonAsync(path, body);

        Assert.All(lines.SkipLast(1), line => Assert.False((bool)line["done"]!));
        Assert.True((bool)lines[^1]["done"]!);
        Assert.Equal((reason, reason), ((string)whole["done_reason"]!, (string)lines[^1]["done_reason"]!));
        Assert.All(lines, line => Assert.Equal(((string)body["model"]!, true), ((string)line["model"]!, DateTimeOffset.TryParse((string)line["created_at"]!, System.Globalization.CultureInfo.InvariantCulture, out _))));
        Assert.Equal(Text(whole), string.Concat(lines.Select(Text)));
        Assert.Equal(Thought(whole) ?? "", string.Concat(lines.Select(Thought)));
        Assert.Equal(members.Contains("\"think\"", StringComparison.Ordinal), Thought(whole) is not null);
        Assert.Equal(whole["logprobs"]?.AsArray().Count ?? 0, lines.Sum(line => line["logprobs"]?.AsArray().Count ?? 0));
        foreach (string count in (string[])["eval_count", "prompt_eval_count"])
        {
            Assert.Equal((int)whole[count]!, (int)lines[^1][count]!);
        }

        Assert.True((long)whole["total_duration"]! >= (long)whole["eval_duration"]!);
    }

    [Fact]
    public async Task A_tool_is_called_and_its_result_answered()
    {
        // Ollama has no way to force a call; the model was trained to make this one.
        JsonObject body = Body("/api/chat", $$"""{"tools":[{{Requests.WeatherTool}}],"messages":[{"role":"user","content":"What is the weather in Oslo?"}]}""");
        JsonNode[] lines = await StreamAsync("/api/chat", body);

        JsonNode call = Assert.Single(lines.Where(line => line["message"]!["tool_calls"] is not null).Select(line => Assert.Single(line["message"]!["tool_calls"]!.AsArray())!));
        Assert.Equal(("get_weather", "Oslo"), ((string)call["function"]!["name"]!, (string)call["function"]!["arguments"]!["city"]!));
        JsonArray messages = body["messages"]!.AsArray();
        messages.Add(new JsonObject { ["role"] = "assistant", ["content"] = "", ["tool_calls"] = new JsonArray(call.DeepClone()) });
        messages.Add(JsonNode.Parse("""{"role":"tool","tool_name":"get_weather","content":"{\"city\": \"Oslo\", \"temperature\": 12, \"condition\": \"cloudy\"}"}"""));
        body["stream"] = false;

        Assert.Equal("The weather in Oslo is cloudy with 12 degrees.", Text(await _server.PostJsonAsync("/api/chat", body)));
    }

    [Theory]
    [InlineData("/api/chat", """{"messages":[]}""")]
    [InlineData("/api/generate", """{"prompt":""}""")]
    public async Task Nothing_asked_is_a_request_to_load(string path, string members)
    {
        JsonNode answer = await _server.PostJsonAsync(path, Body(path, members));

        Assert.Equal(("load", true, ""), ((string)answer["done_reason"]!, (bool)answer["done"]!, Text(answer)));
    }

    [Theory]
    [InlineData("/api/chat", """{"model":null}""", 400, "'model' is missing")]
    [InlineData("/api/chat", """{"model":"other:7b"}""", 404, "other:7b")]
    [InlineData("/api/chat", """{"messages":[{"role":"user","content":"x","images":["aGk="]}]}""", 400, "messages[0].images")]
    [InlineData("/api/chat", """{"messages":[{"role":"user","content":[]}]}""", 400, "messages[0].content")]
    [InlineData("/api/chat", """{"format":7}""", 400, "'format'")]
    [InlineData("/api/chat", """{"think":"much"}""", 400, "'think'")]
    [InlineData("/api/chat", """{"options":{"temperature":"hot"}}""", 400, "'options.temperature'")]
    [InlineData("/api/chat", """{"options":{"num_predict":0}}""", 400, "'options.num_predict'")]
    [InlineData("/api/generate", """{"suffix":"x"}""", 400, "'suffix'")]
    [InlineData("/api/generate", """{"context":[1,2]}""", 400, "'context'")]
    [InlineData("/api/pull", "{}", 404, "nothing at this path")]
    public async Task Errors_are_a_text(string path, string members, int status, string message)
    {
        using HttpResponseMessage response = await _server.PostAsync(path, Body(path, members));

        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(status == (int)response.StatusCode, text);
        JsonObject error = JsonNode.Parse(text)!.AsObject();
        Assert.Contains(message, (string)Assert.Single(error).Value!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_queue_is_a_server_that_is_busy()
    {
        await using RunningServer server = await fixture.StartAsync(options => { options.AcceptAnyModelName = true; options.KeepAliveInterval = TimeSpan.FromMilliseconds(20); }, queue: 1);
        string endless = $$"""{"model":"m","stream":true,"messages":[{"role":"user","content":"Tell."}],"options":{"logit_bias":{{fixture.NeverEnd.ToJsonString()}} } }""";
        HttpResponseMessage running = await server.PostAsync("/api/chat", endless, stream: true), waiting = await server.PostAsync("/api/chat", endless, stream: true);
        using HttpResponseMessage refused = await server.PostAsync("/api/chat", endless);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.True(refused.Headers.RetryAfter!.Delta >= TimeSpan.FromSeconds(1));
        using (StreamReader reader = new(await waiting.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken)))
        {
            // A line without text keeps the connection alive.
            Assert.Equal("", Text(JsonNode.Parse((await reader.ReadLineAsync(TestContext.Current.CancellationToken))!)!));
        }

        running.Dispose();
        waiting.Dispose();
        await server.WaitUntilIdleAsync();
    }

    private static JsonObject Body(string path, string members)
    {
        JsonObject body = new() { ["model"] = "gpt-4o:latest", ["think"] = false, ["options"] = new JsonObject() };
        if (path == "/api/chat")
        {
            body["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = France });
        }
        else
        {
            body["prompt"] = France;
        }

        foreach ((string name, JsonNode? value) in JsonNode.Parse(members)!.AsObject())
        {
            body[name] = value?.DeepClone();
        }

        if (body["options"] is JsonObject options && !options.ContainsKey("temperature"))
        {
            options["temperature"] = 0;
        }

        return body;
    }

    private async Task<JsonNode[]> StreamAsync(string path, JsonObject body)
    {
        using HttpResponseMessage response = await _server.PostAsync(path, body);
        Assert.Equal("application/x-ndjson", response.Content.Headers.ContentType!.ToString());
        string text = Strict.GetString(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\r', text);
        return [.. text[..^1].Split('\n').Select(line => JsonNode.Parse(line)!)];
    }

    private static string Text(JsonNode line) => (string)(line["message"]?["content"] ?? line["response"])!;

    private static string? Thought(JsonNode line) => (string?)(line["message"]?["thinking"] ?? line["thinking"]);
}
