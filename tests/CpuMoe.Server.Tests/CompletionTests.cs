using System.Text.Json.Nodes;

namespace CpuMoe.Server.Tests;

/// <summary>Completions of plain text.</summary>
public class CompletionTests(ServerFixture fixture)
{
    private const string Path = "/v1/completions";

    private readonly RunningServer _server = fixture.Server;

    [Fact]
    public async Task A_prompt_can_have_four_forms()
    {
        const string Prompt = "The capital of France is";
        int[] ids = fixture.Model.Tokenizer.Encode(Prompt, parseSpecial: true);
        JsonNode text = await CompleteAsync(new JsonObject { ["prompt"] = Prompt });
        JsonNode texts = await CompleteAsync(new JsonObject { ["prompt"] = new JsonArray(Prompt, "The capital of Spain is") });
        JsonNode tokens = await CompleteAsync(new JsonObject { ["prompt"] = new JsonArray([.. ids.Select(id => (JsonNode)id)]) });
        JsonNode arrays = await CompleteAsync(new JsonObject { ["prompt"] = new JsonArray(new JsonArray([.. ids.Select(id => (JsonNode)id)])) });

        string expected = TextOf(text, 0);
        Assert.Equal(("text_completion", 8), ((string)text["object"]!, (int)text["usage"]!["completion_tokens"]!));
        Assert.Equal("length", (string)text["choices"]![0]!["finish_reason"]!);
        Assert.Equal([expected, expected, expected], (string[])[TextOf(texts, 0), TextOf(tokens, 0), TextOf(arrays, 0)]);
        Assert.NotEqual(expected, TextOf(texts, 1));
        Assert.Equal(ids.Length, (int)tokens["usage"]!["prompt_tokens"]!);
    }

    [Fact]
    public async Task Sixteen_tokens_are_the_default_and_the_prompt_can_be_repeated()
    {
        JsonNode answer = await _server.PostJsonAsync(Path, JsonNode.Parse("""{"prompt":"Once upon a time","echo":true,"temperature":0}""")!);

        Assert.StartsWith("Once upon a time", TextOf(answer, 0), StringComparison.Ordinal);
        Assert.InRange((int)answer["usage"]!["completion_tokens"]!, 1, 16);
    }

    [Fact]
    public async Task Logprobs_stand_in_parallel_arrays()
    {
        JsonNode answer = await CompleteAsync(JsonNode.Parse("""{"prompt":"The capital of France is","logprobs":2}""")!.AsObject());

        JsonNode logprobs = answer["choices"]![0]!["logprobs"]!;
        string[] tokens = [.. logprobs["tokens"]!.AsArray().Select(token => (string)token!)];
        Assert.Equal(TextOf(answer, 0), string.Concat(tokens));
        Assert.Equal(tokens.Length, logprobs["token_logprobs"]!.AsArray().Count);
        Assert.Equal(tokens.Length, logprobs["top_logprobs"]!.AsArray().Count);
        Assert.Equal([0, tokens[0].Length], logprobs["text_offset"]!.AsArray().Take(2).Select(offset => (int)offset!));
        Assert.All(logprobs["top_logprobs"]!.AsArray(), top => Assert.Equal(2, top!.AsObject().Count));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_tokens_of_a_repeated_prompt_have_logprobs_too(bool stream)
    {
        // Longer than what one pass tells of, and asked twice: nothing may come from a cache.
        string prompt = string.Concat(Enumerable.Repeat("The capital of France is Paris. ", 10)) + "The capital of France is";
        JsonObject body = new() { ["prompt"] = prompt, ["logprobs"] = 2, ["echo"] = true, ["n"] = 2, ["max_tokens"] = 4, ["temperature"] = 0 };
        JsonNode plain = await _server.PostJsonAsync(Path, new JsonObject { ["prompt"] = prompt, ["max_tokens"] = 4, ["temperature"] = 0 });
        JsonNode known = (await _server.PostJsonAsync(Path, new JsonObject { ["prompt"] = prompt[..^" is".Length], ["max_tokens"] = 1, ["temperature"] = 0, ["logprobs"] = 2 }))["choices"]![0]!["logprobs"]!;
        JsonNode[] logprobs;
        if (stream)
        {
            body["stream"] = true;
            using HttpResponseMessage response = await _server.PostAsync(Path, body);
            List<JsonNode> chunks = ServerSentEvents.ReadChunks(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
            JsonNode[] choices = [.. chunks.SelectMany(chunk => chunk["choices"]!.AsArray()).OfType<JsonNode>()];
            Assert.Equal(prompt + TextOf(plain, 0), string.Concat(choices.Where(choice => (int)choice["index"]! == 1).Select(choice => (string)choice["text"]!)));
            logprobs = [.. choices.Where(choice => choice["logprobs"] is not null).DistinctBy(choice => (int)choice["index"]!).Select(choice => choice["logprobs"]!)];
        }
        else
        {
            JsonNode whole = await _server.PostJsonAsync(Path, body);
            Assert.Equal(prompt + TextOf(plain, 0), TextOf(whole, 0));
            logprobs = [.. whole["choices"]!.AsArray().Select(choice => choice!["logprobs"]!)];
        }

        Assert.Equal(2, logprobs.Length);
        foreach (JsonNode own in logprobs)
        {
            string[] tokens = [.. own["tokens"]!.AsArray().Select(token => (string)token!)];
            int count = (int)plain["usage"]!["prompt_tokens"]!;
            Assert.True(tokens.Length > count, $"{tokens.Length} tokens, {count} of the prompt");
            Assert.Equal(prompt, string.Concat(tokens.Take(count)));
            Assert.Null(own["token_logprobs"]![0]);
            Assert.Null(own["top_logprobs"]![0]);
            Assert.All(own["token_logprobs"]!.AsArray().Skip(1), value => Assert.InRange((float)value!, -50, 0));
            Assert.All(own["top_logprobs"]!.AsArray().Skip(1), top => Assert.Equal(2, top!.AsObject().Count));
            Assert.Equal([0, tokens[0].Length], own["text_offset"]!.AsArray().Take(2).Select(offset => (int)offset!));

            // What is told of the last token is what the prompt without it says of the next; kernels may differ in rounding.
            Assert.Equal(tokens[count - 1], (string)known["tokens"]![0]!);
            Assert.Equal((float)known["token_logprobs"]![0]!, (float)own["token_logprobs"]![count - 1]!, 0.05f);
        }
    }

    [Fact]
    public async Task Streams_tell_the_same()
    {
        JsonObject body = JsonNode.Parse("""{"prompt":["The capital of France is","Once"],"n":2,"max_tokens":8,"seed":5,"stream_options":{"include_usage":true}}""")!.AsObject();
        JsonNode whole = await _server.PostJsonAsync(Path, body);
        body["stream"] = true;
        using HttpResponseMessage response = await _server.PostAsync(Path, body);
        List<JsonNode> chunks = ServerSentEvents.ReadChunks(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));

        Assert.All(chunks, chunk => Assert.Equal("text_completion", (string)chunk["object"]!));
        for (int index = 0; index < 4; index++)
        {
            JsonNode[] own = [.. chunks.SelectMany(chunk => chunk["choices"]!.AsArray()).OfType<JsonNode>().Where(choice => (int)choice["index"]! == index)];
            Assert.Equal(TextOf(whole, index), string.Concat(own.Select(choice => (string)choice["text"]!)));
            Assert.Equal((string)whole["choices"]![index]!["finish_reason"]!, (string)Assert.Single(own, choice => choice["finish_reason"] is not null)["finish_reason"]!);
        }

        Assert.Equal((int)whole["usage"]!["prompt_tokens"]!, (int)chunks[^1]["usage"]!["prompt_tokens"]!);
        Assert.All(chunks.SkipLast(1), chunk => Assert.Null(chunk["usage"]));
    }

    [Theory]
    [InlineData("{}", "prompt")]
    [InlineData("""{"prompt":""}""", "prompt")]
    [InlineData("""{"prompt":[]}""", "prompt")]
    [InlineData("""{"prompt":{}}""", "prompt")]
    [InlineData("""{"prompt":[1,"x"]}""", "prompt[1]")]
    [InlineData("""{"prompt":[99999]}""", "prompt[0]")]
    [InlineData("""{"prompt":[["x"]]}""", "prompt[0][0]")]
    [InlineData("""{"prompt":"x","suffix":"y"}""", "suffix")]
    [InlineData("""{"prompt":"x","best_of":4}""", "best_of")]
    [InlineData("""{"prompt":["a","b","c"],"n":8}""", "prompt")]
    public async Task What_cannot_be_done_is_refused(string body, string parameter)
    {
        using HttpResponseMessage response = await _server.PostAsync(Path, body);

        Assert.Equal(parameter, (string)(await ErrorTests.CheckAsync(response, System.Net.HttpStatusCode.BadRequest, "invalid_request_error", "invalid_value"))["param"]!);
    }

    private Task<JsonNode> CompleteAsync(JsonObject body)
    {
        body["temperature"] = 0;
        body["max_tokens"] = 8;
        return _server.PostJsonAsync(Path, body);
    }

    private static string TextOf(JsonNode answer, int index) => (string)answer["choices"]![index]!["text"]!;
}
