using System.Text;
using System.Text.Json.Nodes;
using CpuMoe.Chat;
using CpuMoe.Chat.Templates;
using CpuMoe.Tests.Chat.Templates;

namespace CpuMoe.Tests.Chat;

/// <summary>Calls that a template renders come back from the parser; whatever is done to them, nothing breaks.</summary>
public class ToolCallRoundTripTests
{
    private static readonly string[] Snippets =
    [
        "", " ", "\n", "Paris", "</arg_value", "</arg_val", "<arg_key>", "</tool_call>", "<tool_call>", "\"", "\\", "'", "é", "日本", "😀", "a < b", "12", "true", "null", "{\"a\": 1}", "</think>", "\t", "\u2028",
    ];

    [Theory]
    [InlineData("glm-4.5", ToolCallFormat.Glm45)]
    [InlineData("glm-4.7", ToolCallFormat.Glm47)]
    [InlineData("qwen3", ToolCallFormat.Hermes)]
    [InlineData("llama3", ToolCallFormat.Llama3)]
    public void RenderedCallsComeBack(string family, ToolCallFormat format)
    {
        ChatTemplate template = ChatTemplate.Parse(family == "glm-4.5" ? TemplateFiles.Glm45 : TemplateFiles.Read(family));
        Random random = new(4);
        for (int i = 0; i < 1500; i++)
        {
            (ToolDefinition tool, JsonObject arguments)[] calls = [.. Enumerable.Range(0, format == ToolCallFormat.Llama3 ? 1 : random.Next(1, 4)).Select(n => RandomCall(random, n))];
            ChatMessage question = TemplateFiles.User("Q"), answer = TemplateFiles.Assistant("", null, [.. calls.Select((call, n) => new ToolCall($"{n}", call.tool.Name, call.arguments.ToJsonString()))]);
            string prompt = template.Render([question], new PromptOptions { EnableThinking = false }).Text;
            string history = template.Render([question, answer], new PromptOptions { EnableThinking = false, AddGenerationPrompt = false }).Text;
            int start = history.IndexOf(format == ToolCallFormat.Llama3 ? "{\"name\"" : "<tool_call>", prompt.Length / 2, StringComparison.Ordinal);
            string reply = history[start..].Split("<|eot_id|>")[0].Split("<|im_end|>")[0];
            ToolCallEnd[] ends = [.. Replies.Parse(Replies.Cut(reply, random), format, "<think></think>", tools: [.. calls.Select(call => call.tool)]).OfType<ToolCallEnd>()];
            Assert.Equal(calls.Select(call => call.tool.Name), ends.Select(end => end.Call.Name));
            foreach ((JsonObject expected, string actual) in calls.Zip(ends, (call, end) => (call.arguments, end.Call.Arguments)))
            {
                Assert.True(JsonNode.DeepEquals(expected, JsonNode.Parse(actual)), $"{expected.ToJsonString()} became {actual} in {reply}");
            }
        }
    }

    [Theory]
    [InlineData(ToolCallFormat.Glm45, 1)]
    [InlineData(ToolCallFormat.Glm47, 2)]
    [InlineData(ToolCallFormat.Hermes, 3)]
    [InlineData(ToolCallFormat.Llama3, 4)]
    public void MutatedRepliesLoseNothing(ToolCallFormat format, int seed)
    {
        string[] originals = [.. ReplyParserTests.Whole.Where(row => row.Data.Item1 == format || (format == ToolCallFormat.Glm47 && row.Data.Item1 == ToolCallFormat.Glm45)).Select(row => row.Data.Item2)];
        string[] pieces = ["<tool_call>", "</tool_call>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "<think>", "</think>", "{", "}", "\"", "[", "]", ",", ":", "\\", "now", "get_weather", "name", "\n", " ", "<", "😀", "\ud83d", "\\ud83d"];
        Random random = new(seed);
        int calls = 0, texts = 0, failures = 0;
        for (int i = 0; i < 10_000; i++)
        {
            StringBuilder text = new(originals[random.Next(originals.Length)]);
            for (int n = random.Next(1, 5); n > 0; n--)
            {
                int at = random.Next(text.Length + 1);
                int length = random.Next(Math.Min(text.Length - at, random.Next(1, 20)) + 1);
                text.Remove(at, length).Insert(at, random.Next(3) > 0 ? pieces[random.Next(pieces.Length)] : "");
            }

            string reply = text.ToString();
            IReadOnlyList<ReplyPart> whole = Replies.Parse([reply], format, wasCut: i % 2 == 0);
            IReadOnlyList<ReplyPart> parts = Replies.Parse(Replies.Cut(reply, random), format, wasCut: i % 2 == 0);
            if (!reply.EndsWith('\ud83d') && !reply.Any(char.IsSurrogate))
            {
                Assert.Equal(Replies.Line(whole), Replies.Line(parts)); // Checks the JSON of ended calls, too.
            }

            foreach (ToolCallEnd end in parts.OfType<ToolCallEnd>())
            {
                JsonNode.Parse(end.Call.Arguments)!.AsObject();
                calls++;
            }

            failures += parts.Count(part => part is ToolCallFailed);
            if (!parts.Any(part => part is ToolCallEnd))
            {
                texts++;
                ReasoningParser reasoning = new();
                (ReasoningDelta start, ReasoningDelta end) = (reasoning.Append(reply), reasoning.Flush());
                Assert.Equal(start.Reasoning + end.Reasoning, string.Concat(parts.OfType<ReasoningPart>().Select(part => part.Text)));
                Assert.Equal(start.Content + end.Content, string.Concat(parts.OfType<ContentPart>().Select(part => part.Text)));
            }
        }

        // Else the mutations are too mild or too harsh to test anything.
        Assert.True(calls > 500 && texts > 500 && failures > 200, $"{calls} calls, {texts} texts, {failures} failures");
    }

    private static (ToolDefinition Tool, JsonObject Arguments) RandomCall(Random random, int number)
    {
        JsonObject properties = [], arguments = [];
        for (int i = random.Next(5); i > 0; i--)
        {
            string name = $"{(random.Next(2) == 0 ? "p" : "größe.")}{i}";
            (string type, JsonNode? value) = random.Next(7) switch
            {
                0 => ("integer", JsonValue.Create(random.Next(-1000, 1000))),
                1 => ("number", JsonValue.Create(random.Next(1000) / 8.0)),
                2 => ("boolean", JsonValue.Create(random.Next(2) == 0)),
                3 => ("array", new JsonArray(1, Text(random), null, new JsonArray())),
                4 => ("object", new JsonObject { ["a b"] = Text(random), ["n"] = new JsonObject { ["m"] = true } }),
                _ => ("string", (JsonNode?)JsonValue.Create(Text(random))),
            };
            properties[name] = new JsonObject { ["type"] = type };
            arguments[name] = value;
        }

        ToolDefinition tool = new($"tool_{number}{(random.Next(2) == 0 ? "" : ".x-y")}", null, new JsonObject { ["type"] = "object", ["properties"] = properties }.ToJsonString());
        return (tool, arguments);
    }

    private static string Text(Random random) => string.Concat(Enumerable.Range(0, random.Next(5)).Select(_ => Snippets[random.Next(Snippets.Length)])).Replace("</arg_value>", "", StringComparison.Ordinal);
}
