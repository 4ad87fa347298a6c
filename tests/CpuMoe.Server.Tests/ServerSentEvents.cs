using System.Text;
using System.Text.Json.Nodes;

namespace CpuMoe.Server.Tests;

/// <summary>Reads streams of chat completions strictly, byte by byte.</summary>
internal static class ServerSentEvents
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>The data of all events; checks the grammar of the stream.</summary>
    /// <param name="bytes">The body.</param>
    /// <param name="comments">The number of comments between events.</param>
    public static List<string> Read(byte[] bytes, out int comments)
    {
        string text = Strict.GetString(bytes);
        Assert.DoesNotContain('\r', text);
        Assert.EndsWith("\n\n", text, StringComparison.Ordinal);
        List<string> data = [];
        comments = 0;
        foreach (string block in text[..^2].Split("\n\n"))
        {
            Assert.DoesNotContain('\n', block);
            if (block.StartsWith(':'))
            {
                comments++;
            }
            else
            {
                Assert.StartsWith("data: ", block, StringComparison.Ordinal);
                data.Add(block[6..]);
            }
        }

        return data;
    }

    /// <summary>The chunks of a stream that ends as it should.</summary>
    public static List<JsonNode> ReadChunks(byte[] bytes)
    {
        List<string> data = Read(bytes, out _);
        Assert.Equal("[DONE]", data[^1]);
        return [.. data.SkipLast(1).Select(d => JsonNode.Parse(d)!)];
    }
}
