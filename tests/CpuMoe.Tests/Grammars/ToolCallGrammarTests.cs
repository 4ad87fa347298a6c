using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Grammars;
using CpuMoe.Tests.Text;

namespace CpuMoe.Tests.Grammars;

public class ToolCallGrammarTests
{
    private static readonly ToolDefinition Weather = Tool(
        "get_weather",
        """{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer","minimum":1,"maximum":14},"unit":{"type":"string","enum":["C","F"]},"opts":{"type":"object","properties":{"a":{"type":"array","items":{"type":"string"}}}},"any":{}},"required":["city"]}""");

    private static readonly ToolDefinition Now = new("now", null, null);

    [Theory]
    [InlineData("<tool_call>now\n</tool_call>", true)]
    [InlineData("<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n</tool_call>", true)]
    [InlineData("<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>a < b\n\"</arg>\" {</arg_value>\n<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n<arg_key>unit</arg_key>\n<arg_value>C</arg_value>\n</tool_call>", true)]
    [InlineData("<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value></arg_value>\n<arg_key>opts</arg_key>\n<arg_value>{\"a\": [\"x < y\", \"\\u003c/arg_value>\"]}</arg_value>\n</tool_call>", true)]
    [InlineData("<tool_call>get_weather\n</tool_call>", false)]
    [InlineData("<tool_call>get_weather\n<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n</tool_call>", false)]
    [InlineData("<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>P</arg_value>\n<arg_key>days</arg_key>\n<arg_value>15</arg_value>\n</tool_call>", false)]
    [InlineData("<tool_call>other\n</tool_call>", false)]
    [InlineData("<tool_call>now\n</tool_call>\n<tool_call>now\n</tool_call>", false)]
    [InlineData("now", false)]
    public void CallsOfGlm45(string text, bool matches) => Assert.Equal(matches, GrammarText.Matches(ToolCallGrammar.Create([Weather, Now]), text, withTags: true));

    [Fact]
    public void NoStringContainsTheClosingTagInLetters()
    {
        Grammar grammar = ToolCallGrammar.Create([Weather]);
        int[] start = GrammarText.Bytes.Encode("<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>", parseSpecial: true);
        Assert.NotNull(GrammarText.Read(grammar, [.. start, .. GrammarText.PlainTokens("</arg_value")]));
        Assert.NotNull(GrammarText.Read(grammar, [.. start, .. GrammarText.PlainTokens("</arg_</arg_value <")]));
        Assert.Null(GrammarText.Read(grammar, [.. start, .. GrammarText.PlainTokens("</arg_value>")]));
        Assert.Null(GrammarText.Read(grammar, [.. start, .. GrammarText.PlainTokens("<</arg_</arg_value>")]));
    }

    [Fact]
    public void OtherFormats()
    {
        Assert.True(GrammarText.Matches(
            ToolCallGrammar.Create([Weather, Now], ToolCallFormat.Glm47, allowSeveral: true),
            "<tool_call>now</tool_call><tool_call>get_weather<arg_key>city</arg_key><arg_value>Rom</arg_value></tool_call>",
            withTags: true));
        Assert.True(GrammarText.Matches(
            ToolCallGrammar.Create([Weather, Now], ToolCallFormat.Hermes, allowSeveral: true),
            "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rom\"}}\n</tool_call>\n<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>",
            withTags: true));
    }

    [Fact]
    public void CallsOfLlama3()
    {
        Grammar grammar = ToolCallGrammar.Create([Weather, Now], ToolCallFormat.Llama3, allowSeveral: true);
        Assert.True(GrammarText.Matches(grammar, """{"name": "get_weather", "parameters": {"city": "a < </b>"}}"""));
        Assert.True(GrammarText.Matches(grammar, """{"name": "now", "parameters": {}}"""));
        Assert.False(GrammarText.Matches(grammar, """{"name": "get_weather", "parameters": {}}"""));
        Assert.False(GrammarText.Begins(grammar, """{"name": "now", "parameters": {}}{"""));
    }

    [Theory]
    [InlineData(ToolCallFormat.Hermes, "<tool_call>\n{\"name\": \"f\", \"arguments\": ", "}\n</tool_call>")]
    [InlineData(ToolCallFormat.Llama3, "{\"name\": \"f\", \"parameters\": ", "}")]
    public void ArgumentsAreAnObjectAlsoWhereTheSchemaDoesNotSaySo(ToolCallFormat format, string start, string end)
    {
        Grammar grammar = ToolCallGrammar.Create([Tool("f", "{}")], format);
        Assert.True(GrammarText.Matches(grammar, start + "{\"a\": 1}" + end, withTags: true));
        Assert.False(GrammarText.Matches(grammar, start + "[1]" + end, withTags: true));
    }

    [Fact]
    public void ACallOrAnAnswer()
    {
        Grammar grammar = ToolCallGrammar.Create([Now], orAnswer: Grammar.FromChoices("yes", "no"));
        Assert.True(GrammarText.Matches(grammar, "yes"));
        Assert.True(GrammarText.Matches(grammar, "<tool_call>now\n</tool_call>", withTags: true));
        Assert.False(GrammarText.Begins(grammar, "maybe"));
    }

    [Fact]
    public void AForcedCallIsAlwaysACall()
    {
        Random random = new(12);
        int complete = 0;
        foreach (ToolCallFormat format in Enum.GetValues<ToolCallFormat>())
        {
            Grammar grammar = ToolCallGrammar.Create([Weather, Now, Tool("f", """{"type":"object","properties":{"s":{"type":"string","maxLength":20},"l":{"type":"array","items":{"type":"number"},"maxItems":4}},"required":["l"]}""")], format);
            for (int i = 0; i < 60; i++)
            {
                string? text = GrammarText.Write(grammar.AsAnswer(i % 2 == 0 ? Thought.None : Thought.Possible), Tokenizers.Demo, random, 500);
                if (text is not null)
                {
                    complete++;
                    AssertCall(text[text.IndexOf(format == ToolCallFormat.Llama3 ? "{\"name\"" : "<tool_call>", StringComparison.Ordinal)..], format);
                }
            }
        }

        Assert.True(complete > 100, $"{complete} were complete");
    }

    [Fact]
    public void BadToolsAreFaults()
    {
        Assert.Throws<GrammarException>(() => ToolCallGrammar.Create([]));
        Assert.Contains("tool name", Assert.Throws<GrammarException>(() => ToolCallGrammar.Create([new("a\nb", null, null)])).Message, StringComparison.Ordinal);
        Assert.Contains("tool x: schema at /properties/a/type", Assert.Throws<GrammarException>(() => ToolCallGrammar.Create([Tool("x", """{"properties":{"a":{"type":"text"}}}""")])).Message, StringComparison.Ordinal);
        Assert.Contains("parameter name", Assert.Throws<GrammarException>(() => ToolCallGrammar.Create([Tool("x", """{"properties":{"a<":{}}}""")])).Message, StringComparison.Ordinal);
    }

    private static void AssertCall(string text, ToolCallFormat format)
    {
        if (format is ToolCallFormat.Hermes or ToolCallFormat.Llama3)
        {
            using var call = JsonDocument.Parse(format == ToolCallFormat.Hermes ? text["<tool_call>".Length..^"</tool_call>".Length] : text);
            Assert.Contains(call.RootElement.GetProperty("name").GetString(), (string[])["get_weather", "now", "f"]);
            Assert.Equal(JsonValueKind.Object, call.RootElement.GetProperty(format == ToolCallFormat.Hermes ? "arguments" : "parameters").ValueKind);
            return;
        }

        string n = format == ToolCallFormat.Glm45 ? "\n" : "";
        string name = ((string[])["get_weather", "now", "f"]).Single(tool => text.StartsWith($"<tool_call>{tool}{n}<", StringComparison.Ordinal));
        string rest = text[$"<tool_call>{name}{n}".Length..];
        Dictionary<string, string> arguments = [];
        while (rest.StartsWith("<arg_key>", StringComparison.Ordinal))
        {
            int keyEnd = rest.IndexOf($"</arg_key>{n}<arg_value>", StringComparison.Ordinal), end = rest.IndexOf("</arg_value>", StringComparison.Ordinal);
            arguments.Add(rest["<arg_key>".Length..keyEnd], rest[(keyEnd + $"</arg_key>{n}<arg_value>".Length)..end]);
            rest = rest[(end + $"</arg_value>{n}".Length)..];
        }

        Assert.Equal("</tool_call>", rest);
        foreach (string json in arguments.Where(argument => argument.Key is "days" or "opts" or "any" or "l").Select(argument => argument.Value))
        {
            JsonDocument.Parse(json).Dispose();
        }

        Assert.True(name != "get_weather" || arguments.ContainsKey("city"));
        Assert.True(name != "f" || arguments.ContainsKey("l"));
    }

    private static ToolDefinition Tool(string name, string schema) => new(name, null, schema);
}
