using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace CpuMoe.Server.Tests;

/// <summary>Thousands of malformed requests: each gets an answer of the protocol, none is the server's fault, and it still serves.</summary>
public class FuzzTests(ServerFixture fixture)
{
    private const string CountVariable = "CPUMOE_FUZZ_REQUESTS";
    private const int Seed = 20260101;

    private static readonly int Count = int.Parse(Environment.GetEnvironmentVariable(CountVariable) ?? "3000", System.Globalization.CultureInfo.InvariantCulture);

    private static readonly string[] Paths = ["/v1/chat/completions", "/v1/completions", "/tokenize", "/detokenize", "/apply-template", "/v1/embeddings", "/v1/models/x"];

    private static readonly string[] Values =
    [
        "null", "true", "\"\"", "\"x\"", "-1", "0", "1", "2.5", "1e308", "-1e400", "99999999999999999999", "[]", "{}", "[[]]", "[null]", "{\"type\":\"function\"}",
        "\"\\u0000\"", "\"\\ud83d\\ude00\"", "[1,2,3]", "{\"type\":7}", "\"none\"", "{\"$ref\":\"#\"}",
    ];

    private static readonly string[] Full =
    [
        $$$"""{"model":"gpt-x","messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"Hi"}]},{"role":"assistant","content":null,"reasoning_content":"r","tool_calls":[{"id":"c","type":"function","function":{"name":"get_weather","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"x"}],"max_tokens":2,"temperature":0.5,"top_p":0.9,"stop":["x"],"seed":1,"n":1,"logit_bias":{"5":1},"logprobs":true,"top_logprobs":1,"stream":true,"stream_options":{"include_usage":true},"tools":[{{{Requests.WeatherTool}}}],"tool_choice":{"type":"function","function":{"name":"get_weather"}},"parallel_tool_calls":false,"reasoning_effort":"none","thinking":{"type":"disabled"},"chat_template_kwargs":{"enable_thinking":false}}""",
        """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":2,"response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":{"type":"object","properties":{"a":{"type":"string","pattern":"^a+$","maxLength":5},"b":{"type":"array","items":{"type":"integer","minimum":1}}},"required":["a"]}}}}""",
        """{"prompt":["Hi","x"],"max_tokens":2,"echo":true,"n":2,"suffix":null,"logprobs":null,"best_of":2,"presence_penalty":1,"frequency_penalty":1,"min_p":0.1,"top_k":5,"repeat_penalty":1.1}""",
        """{"content":"Hi","add_special":true,"parse_special":false,"with_pieces":true,"tokens":[1,2,3]}""",
    ];

    [Fact]
    public async Task Malformed_requests_are_errors_of_the_client()
    {
        Random random = new(Seed);
        (string Path, byte[] Body)[] requests = [.. Enumerable.Range(0, Count).Select(_ => (Paths[random.Next(Paths.Length)], Make(random)))];
        int[] statuses = new int[600];
        await Parallel.ForEachAsync(requests, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = TestContext.Current.CancellationToken }, async (request, cancellation) =>
        {
            using ByteArrayContent content = new(request.Body);
            using HttpResponseMessage response = await fixture.Server.Http.PostAsync(request.Path, content, cancellation);
            string text = await response.Content.ReadAsStringAsync(cancellation);
            Interlocked.Increment(ref statuses[(int)response.StatusCode]);
            string sent = $"{request.Path} {Encoding.UTF8.GetString(request.Body)}\n{(int)response.StatusCode} {text}";
            Assert.True((int)response.StatusCode < 500, sent);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                Assert.True(JsonNode.Parse(text)!["error"]!["message"] is JsonValue, sent);
            }
            else if (response.Content.Headers.ContentType!.MediaType == "text/event-stream")
            {
                Assert.DoesNotContain("\"error\"", text, StringComparison.Ordinal);
                Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);
            }
        });

        Assert.True(statuses[400] > Count / 4, $"{statuses[400]} were refused.");
        Assert.True(statuses[200] > 20, $"{statuses[200]} were answered.");
        await fixture.Server.WaitUntilIdleAsync();
        JsonNode answer = await fixture.Server.PostJsonAsync(Requests.ChatPath, Requests.Chat("What is the capital of France?"));
        Assert.Equal("The capital of France is Paris.", (string)answer["choices"]![0]!["message"]!["content"]!);
    }

    private static byte[] Make(Random random)
    {
        JsonNode body = JsonNode.Parse(Full[random.Next(Full.Length)])!;
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            Mutate(body, random);
        }

        byte[] bytes = Encoding.UTF8.GetBytes(body.ToJsonString());
        switch (random.Next(6))
        {
            case 0: // cut off
                return bytes[..random.Next(bytes.Length)];
            case 1: // broken bytes
                for (int i = random.Next(1, 5); i > 0; i--)
                {
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                }

                return bytes;
            default:
                return bytes;
        }
    }

    /// <summary>Removes or replaces one value somewhere, or nests it deeply.</summary>
    private static void Mutate(JsonNode body, Random random)
    {
        List<JsonNode> nodes = [];
        Collect(body, nodes);
        if (nodes.Count == 0)
        {
            return;
        }

        JsonNode node = nodes[random.Next(nodes.Count)];
        JsonNode? value = random.Next(20) == 0 ? Nest(random.Next(200)) : JsonNode.Parse(Values[random.Next(Values.Length)]);
        if (node.Parent is JsonObject parent)
        {
            string name = node.GetPropertyName();
            if (random.Next(3) == 0)
            {
                parent.Remove(name);
            }
            else
            {
                parent[name] = value;
            }
        }
        else if (node.Parent is JsonArray array)
        {
            array[node.GetElementIndex()] = value;
        }
    }

    private static JsonArray Nest(int depth)
    {
        JsonArray array = [];
        for (int i = 0; i < depth; i++)
        {
            array = [array];
        }

        return array;
    }

    private static void Collect(JsonNode node, List<JsonNode> nodes)
    {
        IEnumerable<JsonNode?> children = node switch
        {
            JsonObject value => value.Select(member => member.Value),
            JsonArray array => array,
            _ => [],
        };
        foreach (JsonNode child in children.OfType<JsonNode>())
        {
            nodes.Add(child);
            Collect(child, nodes);
        }
    }
}
