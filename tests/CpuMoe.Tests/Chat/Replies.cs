using System.Globalization;
using System.Text;
using CpuMoe.Chat;

namespace CpuMoe.Tests.Chat;

/// <summary>Parses replies in pieces and writes what came of them in one line.</summary>
internal static class Replies
{
    public static ToolDefinition Weather { get; } = new(
        "get_weather",
        "Weather",
        """
        {"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"},"hot":{"type":"boolean"},"opts":{"type":"object"},
        "list":{"$ref":"#/$defs/list"},"id":{"type":["integer","string"]},"limit":{"anyOf":[{"type":"string"},{"type":"null"}]},"unit":{"enum":["C","F"]},"any":{}},
        "required":["city"],"$defs":{"list":{"type":"array"}}}
        """);

    public static ToolDefinition Now { get; } = new("now", null, null);

    public static IReadOnlyList<ReplyPart> Parse(IEnumerable<string> pieces, ToolCallFormat? format, string prompt = "", bool wasCut = false, IReadOnlyList<ToolDefinition>? tools = null)
    {
        ReplyParser parser = new(prompt, format, tools ?? [Weather, Now], new Random(1));
        return [.. pieces.SelectMany(parser.Append).ToArray(), .. parser.Flush(wasCut)];
    }

    /// <summary>The parts, neighbours of one kind joined: <c>R[…] C[…] S0:name A0[…] E0 F0</c>. Checks what holds of all replies.</summary>
    public static string Line(IEnumerable<ReplyPart> parts)
    {
        StringBuilder line = new();
        Dictionary<int, (ToolCallStart Start, StringBuilder Json)> open = [];
        string last = "";
        foreach (ReplyPart part in parts)
        {
            switch (part)
            {
                case ReasoningPart reasoning:
                    Text("R", reasoning.Text);
                    break;
                case ContentPart content:
                    Text("C", content.Text);
                    break;
                case ToolCallStart start:
                    Assert.Matches("^call_[A-Za-z0-9]{24}$", start.Id);
                    open.Add(start.Index, (start, new StringBuilder()));
                    Mark($"S{start.Index}:{start.Name}");
                    break;
                case ToolArgumentsPart arguments:
                    open[arguments.Index].Json.Append(arguments.Json);
                    Text(string.Create(CultureInfo.InvariantCulture, $"A{arguments.Index}"), arguments.Json);
                    break;
                case ToolCallEnd end:
                    (ToolCallStart begun, StringBuilder json) = open[end.Index];
                    Assert.Equal(new ToolCall(begun.Id, begun.Name, json.ToString()), end.Call);
                    System.Text.Json.Nodes.JsonNode.Parse(end.Call.Arguments)!.AsObject();
                    Mark($"E{end.Index}");
                    break;
                case ToolCallFailed failed:
                    Assert.True(open.ContainsKey(failed.Index));
                    Mark($"F{failed.Index}");
                    break;
            }
        }

        return line.Append(last.Length > 0 ? "]" : "").ToString();

        void Text(string kind, string text)
        {
            Assert.NotEmpty(text);
            Assert.False(char.IsHighSurrogate(text[^1]) || char.IsLowSurrogate(text[0]));
            if (last != kind)
            {
                Mark(kind + "[");
                last = kind;
            }

            line.Append(text);
        }

        void Mark(string text)
        {
            line.Append(last.Length > 0 ? "]" : "").Append(line.Length > 0 ? " " : "").Append(text);
            last = "";
        }
    }

    /// <summary>All ways to cut a text in two or three, and the one into single characters.</summary>
    public static IEnumerable<string[]> Cuts(string text)
    {
        yield return [.. text.Select(c => c.ToString())];
        for (int first = 0; first <= text.Length; first++)
        {
            for (int second = first; second <= text.Length; second++)
            {
                yield return [text[..first], text[first..second], text[second..]];
            }
        }
    }

    /// <summary>A text cut at random.</summary>
    public static IEnumerable<string> Cut(string text, Random random)
    {
        for (int at = 0, length; at < text.Length; at += length)
        {
            length = random.Next(1, Math.Min(text.Length - at, 12) + 1);
            yield return text.Substring(at, length);
        }
    }
}
