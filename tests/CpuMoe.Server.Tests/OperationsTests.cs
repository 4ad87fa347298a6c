using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace CpuMoe.Server.Tests;

/// <summary>Models, and the paths of llama.cpp's server.</summary>
public class OperationsTests(ServerFixture fixture)
{
    private readonly RunningServer _server = fixture.Server;

    [Theory]
    [InlineData("/v1/models")]
    [InlineData("/models")]
    public async Task Models_are_listed_for_both_kinds_of_clients(string path)
    {
        JsonNode list = await _server.GetJsonAsync(path);

        JsonNode model = Assert.Single(list["data"]!.AsArray())!;
        Assert.Equal(("list", false, "demo-Q4_K_M", "demo-Q4_K_M"), ((string)list["object"]!, (bool)list["has_more"]!, (string)list["first_id"]!, (string)list["last_id"]!));
        Assert.Equal(("demo-Q4_K_M", "model", "model", "demo-Q4_K_M"), ((string)model["id"]!, (string)model["object"]!, (string)model["type"]!, (string)model["display_name"]!));
        Assert.Equal(DateTimeOffset.Parse((string)model["created_at"]!, null).ToUnixTimeSeconds(), (long)model["created"]!);
        Assert.Equal((2048, 2048), ((int)model["max_model_len"]!, (int)model["meta"]!["n_ctx_train"]!));
    }

    [Theory]
    [InlineData("gpt-4o")]
    [InlineData("gpt-org%2Fname:latest")]
    [InlineData("gpt-org/name:latest")]
    public async Task Names_may_have_slashes_and_wildcards(string name) =>
        Assert.Equal(Uri.UnescapeDataString(name), (string)(await _server.GetJsonAsync($"/v1/models/{name}"))["id"]!);

    [Fact]
    public async Task Any_name_can_be_accepted()
    {
        await using RunningServer server = await fixture.StartAsync(options => options.AcceptAnyModelName = true);
        JsonNode answer = await server.PostJsonAsync(Requests.ChatPath, Requests.Chat("Hi", """{"model":"whatever","max_tokens":1}"""));

        Assert.Equal("whatever", (string)answer["model"]!);
    }

    [Fact]
    public async Task Health_props_and_slots_tell_the_state()
    {
        JsonNode props = await _server.GetJsonAsync("/props"), slots = await _server.GetJsonAsync("/slots");

        Assert.Equal("""{"status":"ok"}""", (await _server.GetJsonAsync("/health")).ToJsonString());
        Assert.Equal("""{"status":"ok"}""", (await _server.GetJsonAsync("/v1/health")).ToJsonString());
        Assert.Equal((2048, 4, "demo-Q4_K_M.gguf"), ((int)props["default_generation_settings"]!["n_ctx"]!, (int)props["total_slots"]!, (string)props["model_path"]!));
        Assert.Equal(fixture.Model.Tokenizer.ChatTemplate, (string)props["chat_template"]!);
        Assert.Equal([0, 1, 2, 3], slots.AsArray().Select(slot => (int)slot!["id"]!));
        Assert.All(slots.AsArray(), slot => Assert.Equal(["id", "id_task", "n_ctx", "is_processing", "n_cached", "n_prompt_tokens", "next_token"], slot!.AsObject().Select(member => member.Key)));
    }

    [Fact]
    public async Task A_busy_server_can_be_asked_for_a_free_slot()
    {
        await using RunningServer server = await fixture.StartAsync();
        JsonObject endless = Requests.Chat("Tell me a story.", $$"""{"stream":true,"logit_bias":{{fixture.NeverEnd.ToJsonString()}}}""");
        using HttpResponseMessage free = await server.Http.GetAsync("/slots?fail_on_no_slot=1", TestContext.Current.CancellationToken);
        using HttpResponseMessage running = await server.PostAsync(Requests.ChatPath, endless, stream: true);
        Stream stream = await running.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        await stream.ReadExactlyAsync(new byte[1000], TestContext.Current.CancellationToken);
        JsonNode slot = (await server.GetJsonAsync("/slots"))[0]!;
        using HttpResponseMessage busy = await server.Http.GetAsync("/slots?fail_on_no_slot=1", TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable), (free.StatusCode, busy.StatusCode));
        Assert.Equal((true, 1), ((bool)slot["is_processing"]!, (int)slot["id_task"]!));
        Assert.InRange((int)slot["next_token"]!["n_decoded"]!, 1, 2000);
        Assert.Equal(2048, (int)slot["n_prompt_tokens"]! + (int)slot["next_token"]!["n_decoded"]! + (int)slot["next_token"]!["n_remain"]!);
    }

    [Fact]
    public async Task Text_goes_to_tokens_and_back()
    {
        const string Text = "Olá, 世界 🙂<|user|>";
        JsonNode tokens = (await _server.PostJsonAsync("/tokenize", new JsonObject { ["content"] = Text }))["tokens"]!;
        JsonNode plain = (await _server.PostJsonAsync("/tokenize", new JsonObject { ["content"] = Text, ["parse_special"] = false }))["tokens"]!;
        JsonArray pieces = (await _server.PostJsonAsync("/tokenize", new JsonObject { ["content"] = Text, ["with_pieces"] = true }))["tokens"]!.AsArray();
        JsonNode back = await _server.PostJsonAsync("/detokenize", new JsonObject { ["tokens"] = tokens.DeepClone() });

        Assert.True(plain.AsArray().Count > tokens.AsArray().Count);
        Assert.Equal(Text, (string)back["content"]!);
        Assert.Equal(tokens.AsArray().Select(id => (int)id!), pieces.Select(piece => (int)piece!["id"]!));
        Assert.Contains(pieces, piece => piece!["piece"] is JsonArray);
        Assert.Equal("<|user|>", (string)pieces[^1]!["piece"]!);
    }

    [Fact]
    public async Task Wrong_tokens_are_refused()
    {
        using HttpResponseMessage response = await _server.PostAsync("/detokenize", """{"tokens":[1,999999]}""");

        Assert.Equal("tokens[1]", (string)(await ErrorTests.CheckAsync(response, HttpStatusCode.BadRequest, "invalid_request_error", "invalid_value"))["param"]!);
    }

    [Fact]
    public async Task Templates_can_be_tried()
    {
        JsonNode prompt = await _server.PostJsonAsync("/apply-template", JsonNode.Parse($$"""{"messages":[{"role":"user","content":"Hi"}],"tools":[{{Requests.WeatherTool}}]}""")!);

        Assert.Contains("get_weather", (string)prompt["prompt"]!, StringComparison.Ordinal);
        Assert.Contains("Hi", (string)prompt["prompt"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_are_told_to_prometheus()
    {
        await _server.PostJsonAsync(Requests.ChatPath, Requests.Chat("What is the capital of Peru?"));
        int before = await CountRepliesAsync();
        await _server.PostJsonAsync("/v1/completions", new JsonObject { ["prompt"] = "Once", ["max_tokens"] = 2 });
        while (await CountRepliesAsync() == before)
        {
            // It is counted after the answer, and the exporter remembers what it told for 300 ms.
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }

        using HttpResponseMessage response = await _server.Http.GetAsync("/metrics", TestContext.Current.CancellationToken);
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.Equal("text/plain", response.Content.Headers.ContentType!.MediaType);
        foreach (string name in (string[])["cpumoe_prompt_tokens_total", "cpumoe_tokens_predicted_total", "cpumoe_requests_completed_total", "cpumoe_time_to_first_token_seconds_count", "cpumoe_queue_seconds_count", "cpumoe_n_busy_slots_per_decode", "cpumoe_n_tokens_max"])
        {
            Assert.Matches($@"(?m)^{name}(\{{[^}}]*\}})? [1-9]", text);
        }

        Assert.Contains("cpumoe_requests_processing", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Peru", text, StringComparison.Ordinal);
    }

    private async Task<int> CountRepliesAsync()
    {
        string text = await _server.Http.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
        Match count = Regex.Match(text, @"(?m)^cpumoe_queue_seconds_count\S* (\d+)");
        return count.Success ? int.Parse(count.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
    }
}
