using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CpuMoe.ServerLoad;

/// <summary>A streamed reply that came to its end.</summary>
/// <param name="Text">All that the model wrote.</param>
/// <param name="FirstToken">Time from the request to the first piece of it.</param>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="CachedTokens">Tokens of the prompt that were not evaluated.</param>
/// <param name="Tokens">Tokens of the reply.</param>
internal sealed record StreamedReply(string Text, TimeSpan FirstToken, int PromptTokens, int CachedTokens, int Tokens);

/// <summary>A client of <c>/v1/chat/completions</c>: greedy streams of a given length. Safe for concurrent use.</summary>
internal sealed class ChatClient : IDisposable
{
    private static readonly string[] EndTokens = ["<|endoftext|>", "<|user|>", "<|observation|>", "<|system|>", "<|im_end|>", "<|eot_id|>"];

    private readonly HttpClient _http;
    private readonly JsonObject _bias = [];

    private ChatClient(Uri address) => _http = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromMinutes(10) };

    /// <summary>Connects to a server and finds out which tokens end a reply, so that they can be ruled out.</summary>
    public static async Task<ChatClient> ConnectAsync(Uri address)
    {
        ChatClient client = new(address);
        foreach (string token in EndTokens)
        {
            int[] ids = await client.TokenizeAsync(token);
            if (ids.Length == 1)
            {
                client._bias[ids[0].ToString(CultureInfo.InvariantCulture)] = -100;
            }
        }

        return client;
    }

    /// <summary>The ids of a text.</summary>
    public async Task<int[]> TokenizeAsync(string text)
    {
        using HttpResponseMessage response = await _http.PostAsJsonAsync("/tokenize", new JsonObject { ["content"] = text });
        response.EnsureSuccessStatusCode();
        JsonNode answer = (await response.Content.ReadFromJsonAsync<JsonNode>())!;
        return [.. answer["tokens"]!.AsArray().Select(id => (int)id!)];
    }

    /// <summary>How many slots are at work.</summary>
    public async Task<int> CountBusySlotsAsync() =>
        (await _http.GetFromJsonAsync<JsonArray>("/slots"))!.Count(slot => (bool)slot!["is_processing"]!);

    /// <summary>Streams a reply of <paramref name="tokens"/> tokens.</summary>
    /// <exception cref="HttpRequestException">The server refused it.</exception>
    /// <exception cref="InvalidDataException">The stream is not a whole reply.</exception>
    public async Task<StreamedReply> StreamAsync(string prompt, int tokens)
    {
        JsonObject body = new()
        {
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = prompt }),
            ["temperature"] = 0,
            ["reasoning_effort"] = "none",
            ["max_tokens"] = tokens,
            ["logit_bias"] = _bias.DeepClone(),
            ["stream"] = true,
            ["stream_options"] = new JsonObject { ["include_usage"] = true },
        };
        long start = Stopwatch.GetTimestamp();
        using HttpRequestMessage request = new(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json") };
        using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (!response.IsSuccessStatusCode)
        {
            throw new HttpRequestException(await response.Content.ReadAsStringAsync(), null, response.StatusCode);
        }

        using StreamReader reader = new(await response.Content.ReadAsStreamAsync());
        return await ReadAsync(reader, start, tokens);
    }

    public void Dispose() => _http.Dispose();

    private static async Task<StreamedReply> ReadAsync(StreamReader reader, long start, int tokens)
    {
        StringBuilder text = new();
        TimeSpan? first = null;
        JsonElement usage = default;
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line == "data: [DONE]")
            {
                StreamedReply reply = new(
                    text.ToString(),
                    first ?? throw new InvalidDataException("The reply is empty."),
                    usage.GetProperty("prompt_tokens").GetInt32(),
                    usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32(),
                    usage.GetProperty("completion_tokens").GetInt32());
                return reply.Tokens == tokens ? reply : throw new InvalidDataException($"The reply has {reply.Tokens} tokens instead of {tokens}.");
            }

            if (!line.StartsWith("data: ", StringComparison.Ordinal))
            {
                continue;
            }

            using var data = JsonDocument.Parse(line.AsMemory(6));
            JsonElement chunk = data.RootElement;
            if (chunk.TryGetProperty("error", out JsonElement error))
            {
                throw new InvalidDataException($"The stream ended with an error: {error}");
            }

            if (chunk.GetProperty("usage").ValueKind == JsonValueKind.Object)
            {
                usage = chunk.GetProperty("usage").Clone();
            }

            foreach (JsonElement choice in chunk.GetProperty("choices").EnumerateArray())
            {
                foreach (JsonProperty piece in choice.GetProperty("delta").EnumerateObject())
                {
                    if (piece.Name is "content" or "reasoning_content" && piece.Value.GetString() is { Length: > 0 } more)
                    {
                        first ??= Stopwatch.GetElapsedTime(start);
                        text.Append(more);
                    }
                }
            }
        }

        throw new InvalidDataException("The stream ended without [DONE].");
    }
}
