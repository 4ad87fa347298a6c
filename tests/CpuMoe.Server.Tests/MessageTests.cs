using System.Net;
using System.Text.Json.Nodes;

namespace CpuMoe.Server.Tests;

/// <summary>Anthropic's Messages API, whole and streamed.</summary>
public class MessageTests(ServerFixture fixture)
{
    private const string Path = "/v1/messages?beta=true";
    private const string CountPath = "/v1/messages/count_tokens?beta=true";
    private const string France = "What is the capital of France?";
    private const string Weather = """{"name":"get_weather","description":"Get the current weather for a city.","input_schema":{"type":"object","properties":{"city":{"type":"string","description":"City name."}},"required":["city"]}}""";

    private readonly RunningServer _server = fixture.Server;

    public static TheoryData<string, string> WrongFields => new()
    {
        { """{"model":null}""", "'model' is missing" },
        { """{"max_tokens":null}""", "'max_tokens' is missing" },
        { """{"max_tokens":0}""", "'max_tokens'" },
        { """{"messages":[]}""", "'messages' must not be empty" },
        { """{"messages":[{"role":"tool","content":"x"}]}""", "'messages[0].role'" },
        { """{"messages":[{"role":"user","content":[{"type":"image","source":{}}]}]}""", "'messages[0].content[0].type'" },
        { """{"messages":[{"role":"user","content":[{"text":"x"}]}]}""", "'messages[0].content[0].type' is missing" },
        { """{"messages":[{"role":"user","content":[{"type":"tool_result","content":"x"}]}]}""", "'messages[0].content[0].tool_use_id' is missing" },
        { """{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y "}]}""", "must not end with white space" },
        { """{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":""}]}""", "must be a message of the assistant with text" },
        { """{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"b","input":{}}]}]}""", "without thoughts or calls" },
        { """{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}],"thinking":{"type":"adaptive"}}""", "neither a thought" },
        { """{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}],"output_config":{"format":{"type":"json_schema","schema":{}}}}""", "neither a thought" },
        { """{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"b","input":"c"}]},{"role":"user","content":"x"}]}""", "'messages[0].content[0].input'" },
        { """{"system":5}""", "'system'" },
        { """{"temperature":1.5}""", "'temperature'" },
        { """{"thinking":{"type":"always"}}""", "'thinking.type'" },
        { """{"stop_sequences":"x"}""", "'stop_sequences'" },
        { """{"output_config":{"effort":"huge"}}""", "'output_config.effort'" },
        { """{"output_config":{"format":{"type":"xml"}}}""", "'output_config.format.type'" },
        { """{"tool_choice":{"type":"any"}}""", "'tool_choice'" },
        { $$"""{"tools":[{{Weather}}],"tool_choice":{"type":"tool","name":"other"} }""", "'tool_choice.name'" },
        { $$"""{"tools":[{{Weather}},{{Weather}}]}""", "Two tools have the name 'get_weather'" },
    };

    [Fact]
    public async Task The_answer_has_all_members()
    {
        JsonNode answer = await _server.PostJsonAsync(Path, Body(France));

        Assert.StartsWith("msg_", (string)answer["id"]!, StringComparison.Ordinal);
        Assert.Equal(("message", "assistant", "gpt-4o", "end_turn"), ((string)answer["type"]!, (string)answer["role"]!, (string)answer["model"]!, (string)answer["stop_reason"]!));
        Assert.True(answer.AsObject().ContainsKey("stop_sequence"));
        Assert.Equal("""[{"type":"text","text":"The capital of France is Paris."}]""", answer["content"]!.ToJsonString());
        Assert.True((int)answer["usage"]!["output_tokens"]! > 0);
    }

    [Fact]
    public async Task Counted_tokens_are_those_of_the_call()
    {
        JsonObject body = Body(France, $$"""{"system":[{"type":"text","text":"Be brief."}],"tools":[{{Weather}}],"thinking":{"type":"adaptive"} }""");
        JsonObject counted = body.DeepClone().AsObject();
        counted.Remove("max_tokens");
        int count = (int)(await _server.PostJsonAsync(CountPath, counted))["input_tokens"]!;
        int cached = 0;
        for (int call = 0; cached < count / 2; call++)
        {
            // The slots are shared with other tests, which may take what the call before left.
            Assert.True(call < 50, $"Of {count} tokens at most {cached} were cached.");
            JsonNode usage = (await _server.PostJsonAsync(Path, body))["usage"]!;
            Assert.Equal(count, PromptTokens(usage));
            cached = (int)usage["cache_read_input_tokens"]!;
        }

        Assert.InRange(cached, count / 2, count - 1);
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"text","text":"What is the capital of France?","cache_control":{"type":"ephemeral"}}]}]}""")]
    [InlineData("""{"system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1.330.f00; cc_entrypoint=cli;"}]}""")]
    [InlineData("""{"system":"x-anthropic-billing-header: cc_version=2.1.330.abc;","metadata":{"user_id":"u"},"context_management":{"edits":[]},"service_tier":"auto"}""")]
    [InlineData("""{"tools":[{"type":"web_search_20250305","name":"web_search"},{"name":"DeferredToolPlaceholder","defer_loading":true,"input_schema":{"type":"object"}}]}""")]
    public async Task What_says_the_same_makes_the_same_prompt(string members)
    {
        int plain = (int)(await _server.PostJsonAsync(CountPath, Body(France)))["input_tokens"]!;
        int other = (int)(await _server.PostJsonAsync(CountPath, Body(France, members)))["input_tokens"]!;

        Assert.Equal(plain, other);
    }

    [Fact]
    public async Task A_conversation_makes_the_prompt_of_chat_completions()
    {
        JsonObject anthropic = Body("", $$$"""
            {"system":[{"type":"text","text":"x-anthropic-billing-header: a"},{"type":"text","text":"Be"},{"type":"text","text":"brief."}],"tools":[{{{Weather}}}],"thinking":{"type":"enabled","budget_tokens":100},
            "messages":[{"role":"user","content":"Weather?"},{"role":"system","content":"It is noon."},{"role":"user","content":"In"},{"role":"user","content":[{"type":"text","text":"Oslo"}]},
            {"role":"assistant","content":[{"type":"thinking","thinking":"Hm.","signature":"x"},{"type":"redacted_thinking","data":"y"},{"type":"text","text":"I look."},{"type":"tool_use","id":"toolu_1","name":"get_weather","input":{"city":"Oslo"}}]},
            {"role":"user","content":[{"type":"text","text":"So?"},{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"rain"},{"type":"image","source":{}}],"is_error":false}]}]}
            """);
        JsonObject openAi = Requests.Chat("", $$$"""
            {"tools":[{{{Requests.WeatherTool}}}],"reasoning_effort":"high","max_tokens":1,
            "messages":[{"role":"system","content":"Be\nbrief."},{"role":"user","content":"Weather?"},{"role":"system","content":"It is noon."},{"role":"user","content":"In\nOslo"},
            {"role":"assistant","content":"I look.","reasoning_content":"Hm.","tool_calls":[{"id":"c","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Oslo\"}"}}]},
            {"role":"tool","tool_call_id":"c","content":"rain\n[image]"},{"role":"user","content":"So?"}]}
            """);

        // Of its own: other tests would take the slot that holds the prompt.
        await using RunningServer server = await fixture.StartAsync(options => options.Aliases.Add("gpt-*"));
        int expected = (int)(await server.PostJsonAsync(Requests.ChatPath, openAi))["usage"]!["prompt_tokens"]!;
        JsonNode usage = (await server.PostJsonAsync(Path, anthropic))["usage"]!;
        Assert.Equal(expected, PromptTokens(usage));
        Assert.Equal(expected - 1, (int)usage["cache_read_input_tokens"]!);
    }

    [Theory]
    [InlineData("{}", false)]
    [InlineData("""{"thinking":{"type":"disabled"}}""", false)]
    [InlineData("""{"thinking":{"type":"adaptive","display":"omitted"},"output_config":{"effort":"high"}}""", true)]
    [InlineData("""{"thinking":{"type":"enabled","budget_tokens":1024}}""", true)]
    public async Task Thinking_is_off_unless_asked_for(string members, bool thinks)
    {
        JsonNode answer = await _server.PostJsonAsync(Path, Body(France, members));

        JsonArray content = answer["content"]!.AsArray();
        Assert.Equal(thinks ? ["thinking", "text"] : ["text"], content.Select(block => (string)block!["type"]!));
        Assert.True(!thinks || ((string)content[0]!["signature"]!).Length > 0);
        Assert.Equal("The capital of France is Paris.", (string)content[^1]!["text"]!);
    }

    [Theory]
    [InlineData("""{"thinking":{"type":"adaptive"}}""", "end_turn")]
    [InlineData("""{"max_tokens":3}""", "max_tokens")]
    [InlineData("""{"stop_sequences":["never"," Par"]}""", "stop_sequence")]
    [InlineData($$"""{"tools":[{{Weather}}],"tool_choice":{"type":"any","disable_parallel_tool_use":true} }""", "tool_use")]
    [InlineData($$"""{"tools":[{{Weather}}],"tool_choice":{"type":"tool","name":"get_weather"},"thinking":{"type":"adaptive"},"max_tokens":300}""", null)]
    [InlineData("""{"output_config":{"format":{"type":"json_schema","schema":{"enum":["a","b"]}}}}""", "end_turn")]
    public async Task Streams_follow_the_grammar_and_tell_the_same_as_whole_answers(string members, string? reason)
    {
        JsonNode whole = await _server.PostJsonAsync(Path, Body(France, members));
        List<JsonNode> events = await NamedEvents.StreamAsync(_server, Path, Body(France, members));

        JsonNode start = events[0]["message"]!;
        Assert.Equal("message_start", (string)events[0]["type"]!);
        Assert.Equal(("[]", null, 0), (start["content"]!.ToJsonString(), (string?)start["stop_reason"], (int)start["usage"]!["output_tokens"]!));
        Assert.Equal(PromptTokens(whole["usage"]!), PromptTokens(start["usage"]!));
        Assert.Equal(["message_delta", "message_stop"], events.TakeLast(2).Select(e => (string)e["type"]!));
        JsonNode delta = events[^2];
        Assert.Equal(reason ?? (string)whole["stop_reason"]!, (string)delta["delta"]!["stop_reason"]!);
        Assert.Equal((string)whole["stop_reason"]!, (string)delta["delta"]!["stop_reason"]!);
        Assert.Equal((string?)whole["stop_sequence"], (string?)delta["delta"]!["stop_sequence"]);
        Assert.Equal((int)whole["usage"]!["output_tokens"]!, (int)delta["usage"]!["output_tokens"]!);
        Assert.Equal(WithoutIds(whole["content"]!.AsArray()), WithoutIds(Assemble(events.Skip(1).SkipLast(2))));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_beginning_of_an_answer_goes_on(bool stream)
    {
        const string Beginning = "The capital of";
        string messages = $$"""{"messages":[{"role":"user","content":"{{France}}"},{"role":"assistant","content":[{"type":"text","text":"{{Beginning}}"}]}]}""";
        JsonNode whole = await _server.PostJsonAsync(Path, Body(France));
        JsonArray content = stream
            ? Assemble((await NamedEvents.StreamAsync(_server, Path, Body(France, messages))).Skip(1).SkipLast(2))
            : (await _server.PostJsonAsync(Path, Body(France, messages)))["content"]!.AsArray();

        Assert.Equal((string)whole["content"]![0]!["text"]!, Beginning + (string)Assert.Single(content)!["text"]!);
        int prompt = (int)(await _server.PostJsonAsync(CountPath, Body(France, messages)))["input_tokens"]!;
        Assert.InRange(prompt, PromptTokens(whole["usage"]!) + 3, PromptTokens(whole["usage"]!) + 12);
    }

    [Fact]
    public async Task A_tool_is_called_and_its_result_answered()
    {
        JsonObject body = Body("What is the weather in Oslo?", $$"""{"tools":[{{Weather}}],"tool_choice":{"type":"any","disable_parallel_tool_use":true} }""");
        JsonNode call = await _server.PostJsonAsync(Path, body);

        JsonNode use = Assert.Single(call["content"]!.AsArray())!;
        Assert.Equal(("tool_use", "get_weather", "Oslo"), ((string)use["type"]!, (string)use["name"]!, (string)use["input"]!["city"]!));
        Assert.StartsWith("toolu_", (string)use["id"]!, StringComparison.Ordinal);
        body.Remove("tool_choice");
        body["messages"]!.AsArray().Add(new JsonObject { ["role"] = "assistant", ["content"] = call["content"]!.DeepClone() });
        body["messages"]!.AsArray().Add(JsonNode.Parse($$"""{"role":"user","content":[{"type":"tool_result","tool_use_id":{{use["id"]!.ToJsonString()}},"content":"{\"city\": \"Oslo\", \"temperature\": 12, \"condition\": \"cloudy\"}"}]}"""));

        JsonNode answer = await _server.PostJsonAsync(Path, body);
        Assert.Equal("The weather in Oslo is cloudy with 12 degrees.", (string)answer["content"]![0]!["text"]!);
    }

    [Fact]
    public async Task Silence_is_kept_alive_with_pings_and_a_client_that_goes_ends_its_work()
    {
        await using RunningServer server = await fixture.StartAsync(options => options.KeepAliveInterval = TimeSpan.FromMilliseconds(20));
        string model = (string)(await server.GetJsonAsync("/v1/models"))["data"]![0]!["id"]!;
        JsonObject endless = Body("Tell me a story.", $$"""{"model":"{{model}}","stream":true,"max_tokens":32000,"logit_bias":{{fixture.NeverEnd.ToJsonString()}} }""");
        HttpResponseMessage busy = await server.PostAsync(Path, endless, stream: true);
        using HttpResponseMessage waiting = await server.PostAsync(Path, Body(France, $$"""{"model":"{{model}}","stream":true}"""), stream: true);
        await Task.Delay(100, TestContext.Current.CancellationToken);
        busy.Dispose();

        List<JsonNode> events = NamedEvents.Read(await waiting.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.Equal(["message_start", "ping"], events.Take(2).Select(e => (string)e["type"]!));
        Assert.Equal("message_stop", (string)events[^1]["type"]!);
        await server.WaitUntilIdleAsync();
    }

    [Theory]
    [MemberData(nameof(WrongFields))]
    public async Task Wrong_fields_are_named(string members, string message)
    {
        using HttpResponseMessage response = await _server.PostAsync(Path, Body(France, members));

        Assert.Contains(message, await CheckAsync(response, HttpStatusCode.BadRequest, "invalid_request_error"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Errors_have_the_words_that_clients_know()
    {
        using HttpResponseMessage model = await _server.PostAsync(Path, Body(France, """{"model":"other"}"""));
        using HttpResponseMessage path = await _server.PostAsync("/v1/messages/batches", "{}");
        using HttpResponseMessage json = await _server.PostAsync(Path, "{");
        using HttpResponseMessage tooLong = await _server.PostAsync(Path, Body(string.Concat(Enumerable.Repeat("word ", 4000)), """{"stream":true}"""));

        await CheckAsync(model, HttpStatusCode.NotFound, "not_found_error");
        await CheckAsync(path, HttpStatusCode.NotFound, "not_found_error");
        await CheckAsync(json, HttpStatusCode.BadRequest, "invalid_request_error");
        Assert.Matches("^prompt is too long: [0-9]+ tokens > 2048 maximum$", await CheckAsync(tooLong, HttpStatusCode.BadRequest, "invalid_request_error"));
    }

    private static async Task<string> CheckAsync(HttpResponseMessage response, HttpStatusCode status, string type)
    {
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(status == response.StatusCode, text);
        JsonNode body = JsonNode.Parse(text)!;
        Assert.Equal(("error", type), ((string)body["type"]!, (string)body["error"]!["type"]!));
        Assert.Equal(Assert.Single(response.Headers.GetValues("request-id")), (string)body["request_id"]!);
        return (string)body["error"]!["message"]!;
    }

    private static JsonObject Body(string text, string members = "{}")
    {
        JsonObject body = new()
        {
            ["model"] = "gpt-4o",
            ["max_tokens"] = 400,
            ["temperature"] = 0,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = text }),
        };
        foreach ((string name, JsonNode? value) in JsonNode.Parse(members)!.AsObject())
        {
            body[name] = value?.DeepClone();
        }

        return body;
    }

    private static int PromptTokens(JsonNode usage) => (int)usage["input_tokens"]! + (int)usage["cache_creation_input_tokens"]! + (int)usage["cache_read_input_tokens"]!;

    private static string WithoutIds(JsonArray content)
    {
        JsonArray copy = content.DeepClone().AsArray();
        foreach (JsonNode? block in copy)
        {
            block!.AsObject().Remove("id");
        }

        return copy.ToJsonString();
    }

    /// <summary>Puts blocks together as clients do; they must not overlap.</summary>
    private static JsonArray Assemble(IEnumerable<JsonNode> events)
    {
        JsonArray content = [];
        JsonObject? open = null;
        string json = "";
        foreach (JsonNode e in events.Where(e => (string)e["type"]! != "ping"))
        {
            Assert.Equal(open is null ? content.Count : content.Count - 1, (int)e["index"]!);
            switch ((string)e["type"]!)
            {
                case "content_block_start":
                    Assert.Null(open);
                    open = e["content_block"]!.DeepClone().AsObject();
                    content.Add(open);
                    json = "";
                    break;
                case "content_block_delta":
                    Assert.False(open!.TryGetPropertyValue("signature", out JsonNode? signed) && ((string)signed!).Length > 0, "Nothing comes after the signature.");
                    Add(open, e["delta"]!, ref json);
                    break;
                default:
                    Assert.Equal("content_block_stop", (string)e["type"]!);
                    if ((string)open!["type"]! == "tool_use")
                    {
                        open["input"] = JsonNode.Parse(json);
                    }

                    open = null;
                    break;
            }
        }

        Assert.Null(open);
        return content;
    }

    private static void Add(JsonObject block, JsonNode delta, ref string json)
    {
        string kind = (string)block["type"]!;
        switch ((string)delta["type"]!)
        {
            case "text_delta":
                Assert.Equal("text", kind);
                block["text"] = (string)block["text"]! + (string)delta["text"]!;
                break;
            case "thinking_delta":
                Assert.Equal("thinking", kind);
                block["thinking"] = (string)block["thinking"]! + (string)delta["thinking"]!;
                break;
            case "signature_delta":
                Assert.Equal("thinking", kind);
                block["signature"] = (string)delta["signature"]!;
                break;
            default:
                Assert.Equal(("input_json_delta", "tool_use"), ((string)delta["type"]!, kind));
                json += (string)delta["partial_json"]!;
                break;
        }
    }
}
