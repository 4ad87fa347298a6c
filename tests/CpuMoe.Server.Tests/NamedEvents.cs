using System.Text;
using System.Text.Json.Nodes;

namespace CpuMoe.Server.Tests;

/// <summary>Reads streams whose events have names, strictly, byte by byte.</summary>
internal static class NamedEvents
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>The data of all events, each of which has its type as its name.</summary>
    public static List<JsonNode> Read(byte[] bytes)
    {
        string text = Strict.GetString(bytes);
        Assert.DoesNotContain('\r', text);
        Assert.EndsWith("\n\n", text, StringComparison.Ordinal);
        List<JsonNode> events = [];
        foreach (string block in text[..^2].Split("\n\n"))
        {
            string[] lines = block.Split('\n');
            Assert.Equal(2, lines.Length);
            Assert.StartsWith("event: ", lines[0], StringComparison.Ordinal);
            Assert.StartsWith("data: ", lines[1], StringComparison.Ordinal);
            JsonNode data = JsonNode.Parse(lines[1][6..])!;
            Assert.Equal(lines[0][7..], (string)data["type"]!);
            events.Add(data);
        }

        return events;
    }

    /// <summary>Streams the answer to a request.</summary>
    public static async Task<List<JsonNode>> StreamAsync(RunningServer server, string path, JsonObject body)
    {
        JsonObject streamed = body.DeepClone().AsObject();
        streamed["stream"] = true;
        using HttpResponseMessage response = await server.PostAsync(path, streamed);
        Assert.Equal("text/event-stream; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        return Read(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }
}
