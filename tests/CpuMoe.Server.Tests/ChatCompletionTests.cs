using System.Text.Json.Nodes;

namespace CpuMoe.Server.Tests;

/// <summary>Chat completions as JSON, not streamed.</summary>
public class ChatCompletionTests(ServerFixture fixture)
{
    private readonly RunningServer _server = fixture.Server;

    [Fact]
    public async Task The_answer_has_all_members()
    {
        JsonNode answer = await _server.PostJsonAsync(Requests.ChatPath, Requests.Chat("What is the capital of France?", """{"model":"gpt-4o"}"""));

        Assert.StartsWith("chatcmpl-", (string)answer["id"]!, StringComparison.Ordinal);
        Assert.Equal("chat.completion", (string)answer["object"]!);
        Assert.Equal("gpt-4o", (string)answer["model"]!);
        Assert.StartsWith("fp_", (string)answer["system_fingerprint"]!, StringComparison.Ordinal);
        JsonNode choice = Assert.Single(answer["choices"]!.AsArray())!;
        Assert.Equal("""{"content":"The capital of France is Paris.","role":"assistant","refusal":null}""", Sorted(choice["message"]!));
        Assert.Equal("stop", (string)choice["finish_reason"]!);
        Assert.True(choice.AsObject().ContainsKey("logprobs"));
        JsonNode usage = answer["usage"]!;
        Assert.Equal((int)usage["prompt_tokens"]! + (int)usage["completion_tokens"]!, (int)usage["total_tokens"]!);
        Assert.Equal(0, (int)usage["completion_tokens_details"]!["reasoning_tokens"]!);
        Assert.True((double)answer["timings"]!["predicted_per_second"]! > 0);
    }

    [Fact]
    public async Task The_prefix_of_a_prompt_is_reused()
    {
        // Of its own: other tests would take the slot that holds the prompt.
        await using RunningServer server = await fixture.StartAsync(options => options.Aliases.Add("gpt-*"));
        JsonObject body = Requests.Chat("My name is Ana. What is the capital of Spain?");
        await server.PostJsonAsync(Requests.ChatPath, body);
        JsonNode again = await server.PostJsonAsync(Requests.ChatPath, body);

        int prompt = (int)again["usage"]!["prompt_tokens"]!;
        Assert.InRange((int)again["usage"]!["prompt_tokens_details"]!["cached_tokens"]!, prompt / 2, prompt - 1);
    }

    [Fact]
    public async Task Text_parts_mean_the_same_as_text()
    {
        JsonObject parts = Requests.Chat("", """{"messages":[{"role":"user","content":[{"type":"text","text":"What is the capital "},{"type":"text","text":"of France?","cache_control":{"type":"ephemeral"}}]}]}""");
        JsonNode one = await _server.PostJsonAsync(Requests.ChatPath, Requests.Chat("What is the capital of France?")), other = await _server.PostJsonAsync(Requests.ChatPath, parts);

        Assert.Equal((int)one["usage"]!["prompt_tokens"]!, (int)other["usage"]!["prompt_tokens"]!);
        Assert.Equal(Content(one), Content(other));
    }

    [Theory]
    [InlineData("""{"reasoning_effort":"none"}""", false)]
    [InlineData("""{"reasoning_effort":"minimal"}""", false)]
    [InlineData("""{"reasoning_effort":"high"}""", true)]
    [InlineData("""{"thinking":{"type":"disabled"}}""", false)]
    [InlineData("""{"thinking":{"type":"enabled"}}""", true)]
    [InlineData("""{"reasoning":{"enabled":false}}""", false)]
    [InlineData("""{"reasoning":{"effort":"none"}}""", false)]
    [InlineData("""{"reasoning":{"max_tokens":0}}""", false)]
    [InlineData("""{"chat_template_kwargs":{"enable_thinking":false}}""", false)]
    [InlineData("""{"chat_template_kwargs":{"enable_thinking":true},"reasoning_effort":"none"}""", true)]
    [InlineData("{}", true)]
    public async Task Thinking_can_be_switched(string members, bool thinks)
    {
        JsonObject body = Requests.Chat("What is the capital of France?");
        body.Remove("reasoning_effort");
        foreach ((string name, JsonNode? value) in JsonNode.Parse(members)!.AsObject())
        {
            body[name] = value!.DeepClone();
        }

        JsonNode answer = await _server.PostJsonAsync(Requests.ChatPath, body);

        JsonObject message = answer["choices"]![0]!["message"]!.AsObject();
        Assert.Equal("The capital of France is Paris.", (string)message["content"]!);
        Assert.Equal(thinks, message.ContainsKey("reasoning_content"));
        Assert.Equal(thinks, (int)answer["usage"]!["completion_tokens_details"]!["reasoning_tokens"]! > 0);
    }

    [Fact]
    public async Task A_limit_of_tokens_ends_with_length()
    {
        JsonNode answer = await _server.PostJsonAsync(Requests.ChatPath, Requests.Chat("What is the capital of France?", """{"max_tokens":500,"max_completion_tokens":3}"""));

        Assert.Equal(("length", 3), ((string)answer["choices"]![0]!["finish_reason"]!, (int)answer["usage"]!["completion_tokens"]!));
    }

    [Theory]
    [InlineData("\" is\"", "The capital of France")]
    [InlineData("[\"Nothing\",\"\",\" Par\"]", "The capital of France is")]
    public async Task Stop_strings_end_the_answer_and_are_not_part_of_it(string stop, string expected)
    {
        JsonNode answer = await _server.PostJsonAsync(Requests.ChatPath, Requests.Chat("What is the capital of France?", $$"""{"stop":{{stop}}}"""));

        Assert.Equal((expected, "stop"), (Content(answer), (string)answer["choices"]![0]!["finish_reason"]!));
    }

    [Fact]
    public async Task Logprobs_tell_each_token_of_the_answer()
    {
        JsonNode answer = await _server.PostJsonAsync(Requests.ChatPath, Requests.Chat("What is the capital of France?", """{"logprobs":true,"top_logprobs":3}"""));

        JsonArray entries = answer["choices"]![0]!["logprobs"]!["content"]!.AsArray();
        Assert.Equal(Content(answer), string.Concat(entries.Select(entry => (string)entry!["token"]!)));
        foreach (JsonNode? entry in entries)
        {
            Assert.True((double)entry!["logprob"]! <= 0);
            double[] top = [.. entry["top_logprobs"]!.AsArray().Select(t => (double)t!["logprob"]!)];
            Assert.Equal(3, top.Length);
            Assert.Equal(top.OrderDescending(), top);
            Assert.Equal((double)entry["logprob"]!, top[0]);
            Assert.Equal((string)entry["token"]!, System.Text.Encoding.UTF8.GetString([.. entry["bytes"]!.AsArray().Select(b => (byte)(int)b!)]));
        }
    }

    [Fact]
    public async Task Several_choices_have_seeds_of_their_own()
    {
        JsonObject body = Requests.Chat("Tell me a story.", """{"n":3,"temperature":2,"top_k":0,"top_p":1,"min_p":0,"seed":7,"max_tokens":12}""");
        JsonNode one = await _server.PostJsonAsync(Requests.ChatPath, body), again = await _server.PostJsonAsync(Requests.ChatPath, body);

        string[] texts = [.. one["choices"]!.AsArray().Select(choice => (string)choice!["message"]!["content"]!)];
        Assert.Equal([0, 1, 2], one["choices"]!.AsArray().Select(choice => (int)choice!["index"]!));
        Assert.Equal(3, texts.Distinct().Count());
        Assert.Equal(texts, again["choices"]!.AsArray().Select(choice => (string)choice!["message"]!["content"]!));
        Assert.Equal(36, (int)one["usage"]!["completion_tokens"]!);
    }

    [Fact]
    public async Task A_bias_of_minus_100_bans()
    {
        int token = fixture.Model.Tokenizer.Encode(" Paris", parseSpecial: false)[0];
        JsonNode answer = await _server.PostJsonAsync(Requests.ChatPath, Requests.Chat("What is the capital of France?", $$$"""{"logit_bias":{"{{{token}}}":-100},"max_tokens":20}"""));

        Assert.DoesNotContain(" Paris", Content(answer), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"type":"json_object"}""")]
    [InlineData("""{"type":"json_schema","json_schema":{"name":"city","strict":true,"schema":{"type":"object","properties":{"city":{"enum":["Paris","Rome"]},"big":{"type":"boolean"}},"required":["city","big"],"additionalProperties":false}}}""")]
    [InlineData("""{"type":"json_schema","schema":{"type":"object","properties":{"city":{"type":"string","maxLength":12}},"required":["city"]}}""")]
    [InlineData("""{"type":"json_object","schema":{"type":"object","properties":{"city":{"type":"string","maxLength":12}},"required":["city"]}}""")]
    public async Task Answers_can_be_made_json(string format)
    {
        JsonNode answer = await _server.PostJsonAsync(Requests.ChatPath, Requests.Chat("What is the capital of France?", $$"""{"response_format":{{format}},"max_tokens":200}"""));

        if ((string)answer["choices"]![0]!["finish_reason"]! == "stop")
        {
            JsonObject value = JsonNode.Parse(Content(answer))!.AsObject();
            Assert.True(!format.Contains("city", StringComparison.Ordinal) || value.ContainsKey("city"));
        }
        else
        {
            Assert.Equal("""{"type":"json_object"}""", format);
        }
    }

    [Fact]
    public async Task The_same_model_stays_within_a_schema_while_it_thinks_first()
    {
        JsonObject body = Requests.Chat("What is the capital of France?", """{"reasoning_effort":"high","response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"enum":["a","b"]}}}}""");
        JsonNode answer = await _server.PostJsonAsync(Requests.ChatPath, body);

        Assert.Contains(Content(answer), (string[])["\"a\"", "\"b\""]);
        Assert.True(answer["choices"]![0]!["message"]!.AsObject().ContainsKey("reasoning_content"));
    }

    [Theory]
    [InlineData("\"required\"")]
    [InlineData("""{"type":"function","function":{"name":"get_weather"}}""")]
    [InlineData("""{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"get_weather"}}]}}""")]
    public async Task Required_tools_are_called(string choice)
    {
        const string Other = """{"type":"function","function":{"name":"set_timer","parameters":{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}}}""";
        JsonNode answer = await _server.PostJsonAsync(Requests.ChatPath, Requests.Chat("What is the weather in Oslo?", $$"""{"tools":[{{Other}},{{Requests.WeatherTool}}],"tool_choice":{{choice}},"parallel_tool_calls":false,"max_tokens":200}"""));

        JsonNode message = answer["choices"]![0]!["message"]!;
        JsonNode call = Assert.Single(message["tool_calls"]!.AsArray())!;
        Assert.Null(message["content"]);
        Assert.Equal("tool_calls", (string)answer["choices"]![0]!["finish_reason"]!);
        Assert.Equal(("get_weather", "function"), ((string)call["function"]!["name"]!, (string)call["type"]!));
        Assert.True(JsonNode.Parse((string)call["function"]!["arguments"]!)!.AsObject().ContainsKey("city"));
    }

    [Fact]
    public async Task Functions_are_tools_of_old()
    {
        const string Function = """{"name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}""";
        JsonObject body = Requests.Chat("What is the weather in Oslo?", $$"""{"functions":[{{Function}}],"function_call":{"name":"get_weather"},"max_tokens":200}""");
        JsonNode choice = (await _server.PostJsonAsync(Requests.ChatPath, body))["choices"]![0]!;
        body["stream"] = true;
        using HttpResponseMessage response = await _server.PostAsync(Requests.ChatPath, body);
        List<JsonNode> chunks = ServerSentEvents.ReadChunks(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        JsonNode[] deltas = [.. chunks.Select(chunk => chunk["choices"]![0]!["delta"]!["function_call"]).OfType<JsonNode>()];

        JsonNode call = choice["message"]!["function_call"]!;
        Assert.Equal(("function_call", "get_weather"), ((string)choice["finish_reason"]!, (string)call["name"]!));
        Assert.False(choice["message"]!.AsObject().ContainsKey("tool_calls"));
        Assert.True(JsonNode.Parse((string)call["arguments"]!)!.AsObject().ContainsKey("city"));
        Assert.Equal("get_weather", (string)Assert.Single(deltas, delta => delta["name"] is not null)["name"]!);
        Assert.Equal((string)call["arguments"]!, string.Concat(deltas.Select(delta => (string)delta["arguments"]!)));
        Assert.Equal("function_call", (string)chunks[^1]["choices"]![0]!["finish_reason"]!);
        Assert.DoesNotContain("tool_calls", string.Concat(chunks.Select(chunk => chunk.ToJsonString())), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"city\": \"Os")]
    [InlineData("[1]")]
    [InlineData("Oslo")]
    public async Task Broken_arguments_in_the_history_are_text(string arguments)
    {
        JsonObject body = Requests.Chat("", """
            {"messages":[{"role":"user","content":"What is the weather in Oslo?"},
            {"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":""}}]},
            {"role":"tool","tool_call_id":"call_1","content":"no JSON"}],"max_tokens":4}
            """);
        body["messages"]![1]!["tool_calls"]![0]!["function"]!["arguments"] = arguments;

        Assert.Contains(arguments, (string)(await _server.PostJsonAsync("/apply-template", body))["prompt"]!, StringComparison.Ordinal);
        Assert.NotNull((await _server.PostJsonAsync(Requests.ChatPath, body))["choices"]);
    }

    [Fact]
    public async Task No_tool_is_called_where_none_may_be()
    {
        JsonNode answer = await _server.PostJsonAsync(Requests.ChatPath, Requests.Chat("What is the weather in Oslo?", $$"""{"tools":[{{Requests.WeatherTool}}],"tool_choice":"none","max_tokens":60}"""));

        Assert.False(answer["choices"]![0]!["message"]!.AsObject().ContainsKey("tool_calls"));
        Assert.DoesNotContain("<tool_call>", Content(answer), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_conversation_with_calls_and_results_goes_on()
    {
        JsonNode answer = await _server.PostJsonAsync(Requests.ChatPath, Requests.Chat("", $$$"""
            {"tools":[{{{Requests.WeatherTool}}}],"messages":[{"role":"user","content":"What is the weather in Oslo?"},
            {"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\"city\": \"Oslo\"}"}}]},
            {"role":"tool","tool_call_id":"call_1","content":[{"type":"text","text":"{\"city\": \"Oslo\", \"temperature\": 7, \"condition\": \"sunny\"}"}]}]}
            """));

        Assert.Equal("The weather in Oslo is sunny with 7 degrees.", Content(answer));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_character_that_is_cut_off_is_a_replacement_character(bool stream)
    {
        // The first byte of a character of three: the rest is not within the limit.
        JsonArray ids = (await _server.PostJsonAsync("/tokenize", new JsonObject { ["content"] = "\u2603", ["with_pieces"] = true }))["tokens"]!.AsArray();
        JsonNode first = Assert.Single(ids, id => id!["piece"] is JsonArray { Count: 1 } piece && (int)piece[0]! == 0xE2)!;
        JsonObject body = Requests.Chat("Hi", $$"""{"max_tokens":1,"stream":{{(stream ? "true" : "false")}},"logit_bias":{"{{first["id"]}}":100} }""");
        string content;
        if (stream)
        {
            using HttpResponseMessage response = await _server.PostAsync(Requests.ChatPath, body);
            List<JsonNode> chunks = ServerSentEvents.ReadChunks(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
            content = string.Concat(chunks.Select(chunk => (string?)chunk["choices"]![0]!["delta"]!["content"]));
        }
        else
        {
            content = Content(await _server.PostJsonAsync(Requests.ChatPath, body));
        }

        Assert.Equal("\uFFFD", content);
    }

    [Fact]
    public async Task Special_tokens_of_users_are_text()
    {
        JsonNode plain = await _server.PostJsonAsync("/apply-template", Requests.Chat("x<|user|>y"));
        int count = (int)(await _server.PostJsonAsync(Requests.ChatPath, Requests.Chat("x<|user|>y", """{"max_tokens":1}""")))["usage"]!["prompt_tokens"]!;
        int parsed = (await _server.PostJsonAsync("/tokenize", new JsonObject { ["content"] = (string)plain["prompt"]! }))["tokens"]!.AsArray().Count;

        Assert.True(count > parsed, $"{count} > {parsed}");
    }

    private static string Content(JsonNode answer) => (string)answer["choices"]![0]!["message"]!["content"]!;

    private static string Sorted(JsonNode message) => new JsonObject(message.AsObject()
        .OrderBy(member => Array.IndexOf(["content", "role", "refusal"], member.Key))
        .Select(member => KeyValuePair.Create(member.Key, member.Value?.DeepClone()))).ToJsonString();
}
