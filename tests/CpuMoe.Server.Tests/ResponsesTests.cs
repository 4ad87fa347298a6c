using System.Net;
using System.Text.Json.Nodes;

namespace CpuMoe.Server.Tests;

/// <summary>OpenAI's Responses API as Codex uses it, whole and streamed.</summary>
public class ResponsesTests(ServerFixture fixture)
{
    private const string Path = "/v1/responses";
    private const string France = "What is the capital of France?";
    private const string Weather = """{"type":"function","name":"get_weather","description":"Get the current weather for a city.","strict":false,"parameters":{"type":"object","properties":{"city":{"type":"string","description":"City name."}},"required":["city"]}}""";
    private const string Codex = """
        "tool_choice":"auto","parallel_tool_calls":true,"store":false,"include":["reasoning.encrypted_content"],"prompt_cache_key":"k","client_metadata":{"a":"b"}
        """;

    private readonly RunningServer _server = fixture.Server;

    [Fact]
    public async Task The_answer_has_all_members()
    {
        JsonNode answer = await _server.PostJsonAsync(Path, Body($$"""{"input":"{{France}}","instructions":"Be brief."}"""));

        Assert.StartsWith("resp_", (string)answer["id"]!, StringComparison.Ordinal);
        Assert.Equal(("response", "completed", "gpt-4o", "Be brief."), ((string)answer["object"]!, (string)answer["status"]!, (string)answer["model"]!, (string)answer["instructions"]!));
        JsonNode item = Assert.Single(answer["output"]!.AsArray())!;
        Assert.Equal(("message", "completed", "assistant"), ((string)item["type"]!, (string)item["status"]!, (string)item["role"]!));
        Assert.Equal("""[{"type":"output_text","text":"The capital of France is Paris.","annotations":[],"logprobs":[]}]""", item["content"]!.ToJsonString());
        JsonNode usage = answer["usage"]!;
        Assert.Equal((int)usage["input_tokens"]! + (int)usage["output_tokens"]!, (int)usage["total_tokens"]!);
    }

    [Theory]
    [InlineData("""{"reasoning":{"effort":"high","summary":"auto"}}""", "completed")]
    [InlineData("""{"max_output_tokens":3}""", "incomplete")]
    [InlineData($$"""{"tools":[{{Weather}},{"type":"web_search"}],"tool_choice":"required","parallel_tool_calls":false}""", "completed")]
    [InlineData("""{"text":{"format":{"type":"json_schema","name":"n","strict":true,"schema":{"enum":["a","b"]}}}}""", "completed")]
    public async Task Streams_follow_the_grammar_and_tell_the_same_as_whole_answers(string members, string status)
    {
        JsonObject body = Body(members);
        JsonNode whole = await _server.PostJsonAsync(Path, body);
        List<JsonNode> events = await NamedEvents.StreamAsync(_server, Path, body);

        Assert.Equal(status, (string)whole["status"]!);
        Assert.Equal(Enumerable.Range(0, events.Count), events.Select(e => (int)e["sequence_number"]!));
        Assert.Equal(["response.created", "response.in_progress"], events.Take(2).Select(e => (string)e["type"]!));
        Assert.All(events.Take(2), e => Assert.Equal(("in_progress", "[]"), ((string)e["response"]!["status"]!, e["response"]!["output"]!.ToJsonString())));
        Assert.Equal("response." + status, (string)events[^1]["type"]!);
        JsonNode response = events[^1]["response"]!;
        Assert.Equal(WithoutIds(whole["output"]!.AsArray()), WithoutIds(response["output"]!.AsArray()));
        Assert.Equal((int)whole["usage"]!["output_tokens"]!, (int)response["usage"]!["output_tokens"]!);
        int next = 2;
        foreach (JsonNode? item in response["output"]!.AsArray())
        {
            next = CheckItem(events, next, item!);
        }

        Assert.Equal(events.Count - 1, next);
    }

    [Fact]
    public async Task A_turn_of_codex_goes_on_with_its_thought()
    {
        JsonObject body = Body($$"""{"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"What is the weather in Oslo?"}]}],"tools":[{{Weather}}],"reasoning":{"summary":"auto"},{{Codex}}}""");
        body["tool_choice"] = "required";
        body["parallel_tool_calls"] = false;
        JsonArray output = (await _server.PostJsonAsync(Path, body))["output"]!.AsArray();

        Assert.Equal(["reasoning", "function_call"], output.Select(item => (string)item!["type"]!));
        JsonObject thought = output[0]!.DeepClone().AsObject(), call = output[1]!.DeepClone().AsObject();
        Assert.Equal("Oslo", (string)JsonNode.Parse((string)call["arguments"]!)!["city"]!);
        body["tool_choice"] = "auto";
        JsonArray input = body["input"]!.AsArray();
        input.Add(thought);
        input.Add(call);
        input.Add(JsonNode.Parse($$"""{"type":"function_call_output","call_id":{{call["call_id"]!.ToJsonString()}},"output":"{\"city\": \"Oslo\", \"temperature\": 12, \"condition\": \"cloudy\"}"}"""));
        JsonNode answer = await _server.PostJsonAsync(Path, body);
        thought.Remove("content"); // As Codex does.
        JsonNode again = await _server.PostJsonAsync(Path, body);
        thought.Remove("encrypted_content");
        JsonNode without = await _server.PostJsonAsync(Path, body);

        Assert.Equal("The weather in Oslo is cloudy with 12 degrees.", (string)answer["output"]!.AsArray()[^1]!["content"]![0]!["text"]!);
        Assert.Equal((int)answer["usage"]!["input_tokens"]!, (int)again["usage"]!["input_tokens"]!);
        Assert.True((int)without["usage"]!["input_tokens"]! < (int)again["usage"]!["input_tokens"]!);
    }

    [Theory]
    [InlineData("""{"input":null}""", "input")]
    [InlineData("""{"input":[]}""", "input")]
    [InlineData("""{"input":[{"type":"computer_call"}]}""", "input[0].type")]
    [InlineData("""{"input":[{"role":"user","content":[{"type":"input_image","image_url":"x"}]}]}""", "input[0].content[0].type")]
    [InlineData("""{"previous_response_id":"resp_1"}""", "previous_response_id")]
    [InlineData("""{"background":true}""", "background")]
    [InlineData("""{"max_output_tokens":0}""", "max_output_tokens")]
    [InlineData("""{"include":["message.output_text.logprobs"]}""", "include")]
    public async Task Wrong_fields_are_named(string members, string parameter)
    {
        using HttpResponseMessage response = await _server.PostAsync(Path, Body(members));

        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.StatusCode == HttpStatusCode.BadRequest, text);
        Assert.Equal(parameter, (string?)JsonNode.Parse(text)!["error"]!["param"]);
    }

    private static JsonObject Body(string members)
    {
        JsonObject body = new() { ["model"] = "gpt-4o", ["input"] = France, ["temperature"] = 0, ["reasoning"] = new JsonObject { ["effort"] = "none" } };
        foreach ((string name, JsonNode? value) in JsonNode.Parse(members)!.AsObject())
        {
            body[name] = value?.DeepClone();
        }

        return body;
    }

    /// <summary>Checks the events of an item from its first on; returns the number of the one behind.</summary>
    private static int CheckItem(List<JsonNode> events, int first, JsonNode item)
    {
        Assert.Equal("response.output_item.added", (string)events[first]["type"]!);
        Assert.Equal((string)item["id"]!, (string)events[first]["item"]!["id"]!);
        int index = (int)events[first]["output_index"]!, last = events.FindIndex(first, e => (string)e["type"]! == "response.output_item.done");
        JsonNode[] own = [.. events.Skip(first + 1).Take(last - first - 1)];
        Assert.All(own, e => Assert.Equal(((string)item["id"]!, index), ((string)e["item_id"]!, (int)e["output_index"]!)));
        Assert.Equal(item.ToJsonString(), events[last]["item"]!.ToJsonString());
        (string[] before, string delta, string[] after) = (string)item["type"]! switch
        {
            "message" => ((string[])["response.content_part.added"], "response.output_text", (string[])["response.output_text.done", "response.content_part.done"]),
            "reasoning" => ([], "response.reasoning_text", ["response.reasoning_text.done"]),
            _ => ([], "response.function_call_arguments", ["response.function_call_arguments.done"]),
        };
        string[] types = [.. own.Select(e => (string)e["type"]!)];
        Assert.Equal([.. before, .. Enumerable.Repeat(delta + ".delta", types.Length - before.Length - after.Length), .. after], types);
        string text = string.Concat(own.Select(e => (string?)e["delta"]));
        Assert.Equal((string?)item["arguments"] ?? (string?)item["content"]![0]!["text"], text);
        return last + 1;
    }

    private static string WithoutIds(JsonArray output)
    {
        JsonArray copy = output.DeepClone().AsArray();
        foreach (JsonNode? item in copy)
        {
            item!.AsObject().Remove("id");
            item.AsObject().Remove("call_id");
        }

        return copy.ToJsonString();
    }
}
