using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace CpuMoe.Server.Tests;

/// <summary>Errors come with the status, type, code and place that clients know, and nothing else.</summary>
public class ErrorTests(ServerFixture fixture)
{
    private const string Messages = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";

    private readonly RunningServer _server = fixture.Server;

    public static TheoryData<string, string?> WrongFields => new()
    {
        { "{}", "messages" },
        { """{"messages":null}""", "messages" },
        { """{"messages":[]}""", "messages" },
        { """{"messages":{}}""", "messages" },
        { """{"messages":[5]}""", "messages[0]" },
        { """{"messages":[{"content":"x"}]}""", "messages[0].role" },
        { """{"messages":[{"role":"wizard","content":"x"}]}""", "messages[0].role" },
        { """{"messages":[{"role":"user"}]}""", "messages[0].content" },
        { """{"messages":[{"role":"user","content":5}]}""", "messages[0].content" },
        { """{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"file:///etc/passwd"}}]}]}""", "messages[0].content[0].type" },
        { """{"messages":[{"role":"user","content":[{"type":"text"}]}]}""", "messages[0].content[0].text" },
        { """{"messages":[{"role":"user","content":"x"},{"role":"assistant"}]}""", "messages[1].content" },
        { """{"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":{}}}]}]}""", "messages[0].tool_calls[0].function.arguments" },
        { """{"messages":[{"role":"assistant","content":"x","tool_calls":"y"}]}""", "messages[0].tool_calls" },
        { $$"""{{{Messages}},"model":7}""", "model" },
        { $$"""{{{Messages}},"temperature":"hot"}""", "temperature" },
        { $$"""{{{Messages}},"temperature":2.1}""", "temperature" },
        { $$"""{{{Messages}},"temperature":1e400}""", "temperature" },
        { $$"""{{{Messages}},"top_p":0}""", "top_p" },
        { $$"""{{{Messages}},"top_p":true}""", "top_p" },
        { $$"""{{{Messages}},"presence_penalty":3}""", "presence_penalty" },
        { $$"""{{{Messages}},"frequency_penalty":-2.5}""", "frequency_penalty" },
        { $$"""{{{Messages}},"typical_p":0.5}""", "typical_p" },
        { $$"""{{{Messages}},"top_k":-1}""", "top_k" },
        { $$"""{{{Messages}},"max_tokens":0}""", "max_tokens" },
        { $$"""{{{Messages}},"max_completion_tokens":1.5}""", "max_completion_tokens" },
        { $$"""{{{Messages}},"max_tokens":99999999999}""", "max_tokens" },
        { $$"""{{{Messages}},"seed":"x"}""", "seed" },
        { $$"""{{{Messages}},"seed":1e30}""", "seed" },
        { $$"""{{{Messages}},"stop":5}""", "stop" },
        { $$"""{{{Messages}},"stop":["a",5]}""", "stop[1]" },
        { $$"""{{{Messages}},"n":0}""", "n" },
        { $$"""{{{Messages}},"n":1000}""", "n" },
        { $$"""{{{Messages}},"logit_bias":{"x":1} }""", "logit_bias" },
        { $$"""{{{Messages}},"logit_bias":{"999999":1} }""", "logit_bias" },
        { $$"""{{{Messages}},"logit_bias":{"5":101} }""", "logit_bias.5" },
        { $$"""{{{Messages}},"top_logprobs":2}""", "top_logprobs" },
        { $$"""{{{Messages}},"logprobs":true,"top_logprobs":21}""", "top_logprobs" },
        { $$"""{{{Messages}},"logprobs":1}""", "logprobs" },
        { $$"""{{{Messages}},"stream":"yes"}""", "stream" },
        { $$"""{{{Messages}},"stream":true,"stream_options":{"include_usage":1} }""", "stream_options.include_usage" },
        { $$"""{{{Messages}},"tools":[{"type":"custom"}]}""", "tools[0].type" },
        { $$"""{{{Messages}},"tools":[{"type":"function","function":{"name":""} }]}""", "tools[0].function.name" },
        { $$"""{{{Messages}},"tools":[{"type":"function","function":{"name":"f","parameters":[]} }]}""", "tools[0].function.parameters" },
        { $$"""{{{Messages}},"tools":[{"type":"function","function":{"name":"f"} },{"type":"function","function":{"name":"f"} }]}""", "tools[1].function.name" },
        { $$"""{{{Messages}},"tool_choice":"required"}""", "tool_choice" },
        { $$"""{{{Messages}},"tool_choice":"maybe"}""", "tool_choice" },
        { $$"""{{{Messages}},"tools":[{{Requests.WeatherTool}}],"tool_choice":{"type":"function","function":{"name":"other"} } }""", "tool_choice.function.name" },
        { $$"""{{{Messages}},"tools":[{{Requests.WeatherTool}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[]} } }""", "tool_choice.allowed_tools.tools" },
        { $$"""{{{Messages}},"parallel_tool_calls":"no"}""", "parallel_tool_calls" },
        { $$"""{{{Messages}},"response_format":{"type":"xml"} }""", "response_format.type" },
        { $$"""{{{Messages}},"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":7} } }""", "response_format.json_schema.schema" },
        { $$"""{{{Messages}},"response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":{"type":"object","not":{} } } } }""", "response_format.json_schema.schema" },
        { $$"""{{{Messages}},"reasoning_effort":"extreme"}""", "reasoning_effort" },
        { $$"""{{{Messages}},"thinking":{"type":7} }""", "thinking.type" },
        { $$"""{{{Messages}},"chat_template_kwargs":"x"}""", "chat_template_kwargs" },
        { $$"""{{{Messages}},"modalities":["text","audio"]}""", "modalities[1]" },
        { $$"""{{{Messages}},"functions":[{}]}""", "functions[0].name" },
        { $$"""{{{Messages}},"functions":[{"name":"f"}],"tools":[]}""", "functions" },
        { $$$"""{{{{Messages}}},"functions":[{"name":"f"}],"function_call":{"name":"g"}}""", "function_call.name" },
        { $$"""{{{Messages}},"functions":[{"name":"f"}],"function_call":"required"}""", "function_call" },
    };

    public static TheoryData<string> Malformed => new(
        "", " ", "{", "nonsense", "[1,2", "{\"messages\":}", "{\"a\":1}x", "\"\\ud800\"", "{\"messages\":[{\"role\":\"user\",\"content\":\"\\udc00\"}]}",
        new string('[', 20_000), "{\"a\":" + string.Concat(Enumerable.Repeat("{\"a\":", 20_000)));

    [Theory]
    [MemberData(nameof(WrongFields))]
    public async Task Wrong_fields_are_named(string body, string? parameter)
    {
        using HttpResponseMessage response = await _server.PostAsync(Requests.ChatPath, body);

        JsonNode error = await CheckAsync(response, HttpStatusCode.BadRequest, "invalid_request_error", "invalid_value");
        Assert.Equal(parameter, (string?)error["param"]);
    }

    [Theory]
    [MemberData(nameof(Malformed))]
    public async Task Malformed_json_is_an_error_of_the_client(string body)
    {
        using HttpResponseMessage response = await _server.PostAsync(Requests.ChatPath, body);

        await CheckAsync(response, HttpStatusCode.BadRequest, "invalid_request_error", "invalid_json");
    }

    [Theory]
    [InlineData("\"text\"")]
    [InlineData("[]")]
    [InlineData("null")]
    public async Task Bodies_must_be_objects(string body)
    {
        using HttpResponseMessage response = await _server.PostAsync(Requests.ChatPath, body);

        await CheckAsync(response, HttpStatusCode.BadRequest, "invalid_request_error", null);
    }

    [Fact]
    public async Task Broken_utf8_is_an_error_of_the_client()
    {
        using ByteArrayContent content = new([.. "{\"messages\":[{\"role\":\"user\",\"content\":\""u8, 0xC3, 0x28, .. "\"}]}"u8]);
        using HttpResponseMessage response = await _server.Http.PostAsync(Requests.ChatPath, content, TestContext.Current.CancellationToken);

        await CheckAsync(response, HttpStatusCode.BadRequest, "invalid_request_error", "invalid_json");
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData(null)]
    public async Task Odd_content_types_and_unknown_members_are_ignored(string? type)
    {
        using ByteArrayContent content = new(Encoding.UTF8.GetBytes($$"""{{{Messages}},"max_tokens":1,"store":true,"metadata":{"a":[1]},"service_tier":null,"tools":[],"tool_choice":null}"""));
        content.Headers.ContentType = type is null ? null : MediaTypeHeaderValue.Parse(type);
        using HttpResponseMessage response = await _server.Http.PostAsync(Requests.ChatPath + "?beta=true", content, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Unknown_models_and_paths_are_not_found()
    {
        using HttpResponseMessage model = await _server.PostAsync(Requests.ChatPath, Requests.Chat("Hi", """{"model":"other"}"""));
        using HttpResponseMessage listed = await _server.Http.GetAsync("/v1/models/org%2Fother:tag", TestContext.Current.CancellationToken);
        using HttpResponseMessage path = await _server.PostAsync("/v1/images", "{}");
        using HttpResponseMessage root = await _server.Http.GetAsync("/nowhere", TestContext.Current.CancellationToken);

        JsonNode error = await CheckAsync(model, HttpStatusCode.NotFound, "invalid_request_error", "model_not_found");
        Assert.Equal("model", (string?)error["param"]);
        Assert.Contains("org/other:tag", (string)(await CheckAsync(listed, HttpStatusCode.NotFound, "invalid_request_error", "model_not_found"))["message"]!, StringComparison.Ordinal);
        await CheckAsync(path, HttpStatusCode.NotFound, "invalid_request_error", "not_found");
        await CheckAsync(root, HttpStatusCode.NotFound, "invalid_request_error", "not_found");
    }

    [Theory]
    [InlineData("GET", "/v1/chat/completions", "POST, OPTIONS")]
    [InlineData("DELETE", "/v1/completions", "POST, OPTIONS")]
    [InlineData("POST", "/v1/models", "GET, HEAD, OPTIONS")]
    [InlineData("PUT", "/health", "GET, HEAD, OPTIONS")]
    public async Task Wrong_methods_are_told_the_right_ones(string method, string path, string allowed)
    {
        using HttpRequestMessage request = new(new HttpMethod(method), path);
        using HttpResponseMessage response = await _server.Http.SendAsync(request, TestContext.Current.CancellationToken);

        await CheckAsync(response, HttpStatusCode.MethodNotAllowed, "invalid_request_error", "method_not_allowed");
        Assert.Equal(allowed, string.Join(", ", response.Content.Headers.Allow));
    }

    [Fact]
    public async Task Long_prompts_are_told_the_limit()
    {
        using HttpResponseMessage response = await _server.PostAsync(Requests.ChatPath, Requests.Chat(string.Concat(Enumerable.Repeat("word ", 5000)), """{"stream":true}"""));

        JsonNode error = await CheckAsync(response, HttpStatusCode.BadRequest, "invalid_request_error", "context_length_exceeded");
        Assert.Matches(@"^This model's maximum context length is 2048 tokens\. However, your messages resulted in \d{4,} tokens\.$", (string)error["message"]!);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Large_bodies_are_refused(bool isChunked)
    {
        await using RunningServer server = await fixture.StartAsync(options => options.MaxBodyBytes = 1000);
        using HttpRequestMessage request = new(HttpMethod.Post, Requests.ChatPath) { Content = new StringContent("{\"x\":\"" + new string('x', 5000) + "\"}") };
        request.Headers.TransferEncodingChunked = isChunked;
        using HttpResponseMessage response = await server.Http.SendAsync(request, TestContext.Current.CancellationToken);

        await CheckAsync(response, HttpStatusCode.RequestEntityTooLarge, "invalid_request_error", "request_too_large");
    }

    [Fact]
    public async Task Embeddings_are_refused()
    {
        using HttpResponseMessage response = await _server.PostAsync("/v1/embeddings", """{"input":"x","model":"demo-Q4_K_M"}""");

        await CheckAsync(response, HttpStatusCode.BadRequest, "invalid_request_error", "invalid_value");
    }

    [Fact]
    public async Task A_full_queue_is_told_when_to_retry()
    {
        await using RunningServer server = await fixture.StartAsync(queue: 1);
        JsonObject endless = Requests.Chat("Tell me a story.", $$"""{"stream":true,"logit_bias":{{fixture.NeverEnd.ToJsonString()}}}""");
        using HttpResponseMessage running = await server.PostAsync(Requests.ChatPath, endless, stream: true), waiting = await server.PostAsync(Requests.ChatPath, endless, stream: true);
        using HttpResponseMessage refused = await server.PostAsync(Requests.ChatPath, endless, stream: true);
        using HttpResponseMessage several = await server.PostAsync(Requests.ChatPath, Requests.Chat("Hi", """{"n":3}"""));

        await CheckAsync(refused, HttpStatusCode.TooManyRequests, "rate_limit_error", "queue_full");
        await CheckAsync(several, HttpStatusCode.TooManyRequests, "rate_limit_error", "queue_full");
        Assert.True(refused.Headers.RetryAfter!.Delta >= TimeSpan.FromSeconds(1));
        running.Dispose();
        waiting.Dispose();
        await server.WaitUntilIdleAsync();
    }

    /// <summary>The error of a response in the shape of OpenAI's.</summary>
    internal static async Task<JsonNode> CheckAsync(HttpResponseMessage response, HttpStatusCode status, string type, string? code)
    {
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.StatusCode == status, $"{response.StatusCode}: {text}");
        Assert.StartsWith("req_", Assert.Single(response.Headers.GetValues("x-request-id")), StringComparison.Ordinal);
        Assert.Equal("application/json; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        JsonNode error = JsonNode.Parse(text)!["error"]!;
        Assert.Equal(["message", "type", "param", "code"], error.AsObject().Select(member => member.Key));
        Assert.Equal((type, code), ((string)error["type"]!, (string?)error["code"]));
        Assert.NotEmpty((string)error["message"]!);
        return error;
    }
}
