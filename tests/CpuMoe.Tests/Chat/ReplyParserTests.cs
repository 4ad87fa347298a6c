using CpuMoe.Chat;
using CpuMoe.Chat.Templates;
using CpuMoe.Tests.Chat.Templates;
using FsCheck;
using FsCheck.Fluent;

namespace CpuMoe.Tests.Chat;

public class ReplyParserTests
{
    private const string Open = "<tool_call>", Close = "</tool_call>";

    /// <summary>Format, reply, what is to come of it.</summary>
    public static TheoryData<ToolCallFormat?, string, string> Whole => new()
    {
        { ToolCallFormat.Glm45, "\n<think>I add.\n 2 < 3 </think>\n\nIt is 62. \n", "R[I add.\n 2 < 3] C[It is 62. \n]" },
        { ToolCallFormat.Glm45, "\n<think>need <tool_call>now\n</tool_call></think>\n<tool_call>now\n</tool_call>", "R[need <tool_call>now\n</tool_call>] S0:now A0[{}] E0" },
        {
            ToolCallFormat.Glm45,
            "Let me check. \n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris </arg_v> \"é\"\n😀</arg_value>\n<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n</tool_call>\n"
            + "<tool_call>now\n</tool_call>\nDone.",
            "C[Let me check.] S0:get_weather A0[{\"city\": \"Paris </arg_v> \\\"é\\\"\\n\\uD83D\\uDE00\", \"days\": 3}] E0 S1:now A1[{}] E1 C[Done.]"
        },
        { ToolCallFormat.Glm47, "</think>x<tool_call>now</tool_call><tool_call>get_weather<arg_key>city</arg_key><arg_value>Rom</arg_value></tool_call>", "C[</think>x] S0:now A0[{}] E0 S1:get_weather A1[{\"city\": \"Rom\"}] E1" },
        { ToolCallFormat.Glm45, "a < b <tool_cal> c", "C[a < b <tool_cal> c]" },
        { ToolCallFormat.Glm45, "a <tool_call>other\n</tool_call> b", "C[a <tool_call>other\n</tool_call> b]" },
        { ToolCallFormat.Glm45, "a <tool_call> <tool_call>now\n</tool_call> b", "C[a <tool_call>] S0:now A0[{}] E0 C[b]" },
        { ToolCallFormat.Glm45, "<tool_call>now\nwhat is this?</tool_call>!", "S0:now F0 C[<tool_call>now\nwhat is this?</tool_call>!]" },
        { ToolCallFormat.Glm45, "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Par", "S0:get_weather A0[{\"city\": \"Par] F0 C[<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Par]" },
        { ToolCallFormat.Glm45, "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>P</arg_value>\n</tool_", "S0:get_weather A0[{\"city\": \"P\"}] E0" },
        { ToolCallFormat.Glm45, "<tool_call>get_weather\n<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n", "S0:get_weather A0[{\"days\": 3] F0 C[<tool_call>get_weather\n<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n]" },
        { ToolCallFormat.Glm45, "<tool_call>now", "S0:now A0[{}] E0" },
        { ToolCallFormat.Glm45, "<tool_call>get_weather <arg_key>city</arg_key><arg_value>P</arg_value></tool_call>", "S0:get_weather A0[{\"city\": \"P\"}] E0" },
        { ToolCallFormat.Glm45, "<tool_call>get_weather city</arg_key>\n<arg_value>P</arg_value></tool_call>", "S0:get_weather A0[{\"city\": \"P\"}] E0" },
        { ToolCallFormat.Glm45, "<tool_call>\nget_weather\\n<arg_key>city</arg_key>\n<arg_value>P</arg_value></tool_call>", "S0:get_weather A0[{\"city\": \"P\"}] E0" },
        { ToolCallFormat.Glm45, "<tool_call>get_weather\ncity</arg_key>\nP</arg_value>\n<arg_key>days\n<arg_value>1</arg_value></tool_call>", "S0:get_weather A0[{\"city\": \"P\", \"days\": 1}] E0" },
        { ToolCallFormat.Glm45, "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>a</arg_value>\n<arg_key>city</arg_key>x", "S0:get_weather A0[{\"city\": \"a\"] F0 C[<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>a</arg_value>\n<arg_key>city</arg_key>x]" },
        {
            ToolCallFormat.Hermes,
            "Hm.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Pa}\\\"ris 😀\", \"o\": [1, {}]}}\n</tool_call>\n<tool_call>{\"arguments\":{},\"name\":\"now\"}</tool_call> ok",
            "C[Hm.] S0:get_weather A0[{\"city\": \"Pa}\\\"ris 😀\", \"o\": [1, {}]}] E0 S1:now A1[{}] E1 C[ok]"
        },
        { ToolCallFormat.Hermes, "<tool_call>{\"name\": \"now\"}</tool_call>", "S0:now A0[{}] E0" },
        { ToolCallFormat.Hermes, "<tool_call>{\"name\": \"now\", \"arguments\": null} and", "S0:now A0[{}] E0 C[and]" },
        { ToolCallFormat.Hermes, "<tool_call>{\"name\": \"get_weather\", \"arguments\": \"{\\\"city\\\": \\\"P\\\"}\"}</tool_call>", "S0:get_weather A0[{\"city\": \"P\"}] E0" },
        { ToolCallFormat.Hermes, "<tool_call>{\"name\": \"other\", \"arguments\": {}}</tool_call>", "C[<tool_call>{\"name\": \"other\", \"arguments\": {}}</tool_call>]" },
        { ToolCallFormat.Hermes, "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": }}</tool_call>", "S0:now A0[{\"a\": }] F0 C[<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": }}</tool_call>]" },
        { ToolCallFormat.Hermes, "<tool_call>{\"name\": \"now\", \"arguments\": [1]}", "S0:now F0 C[<tool_call>{\"name\": \"now\", \"arguments\": [1]}]" },
        { ToolCallFormat.Hermes, "<tool_call>{\"name\": \"now\", \"arguments\": {\"s\": \"\\ud800\"}}", "S0:now A0[{\"s\": \"\\ud800\"}] F0 C[<tool_call>{\"name\": \"now\", \"arguments\": {\"s\": \"\\ud800\"}}]" },
        { ToolCallFormat.Hermes, "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\"</tool_call>", "S0:now A0[{\"a\"] F0 C[<tool_call>{\"name\": \"now\", \"arguments\": {\"a\"</tool_call>]" },
        { ToolCallFormat.Llama3, "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Rom\"}}", "S0:get_weather A0[{\"city\": \"Rom\"}] E0" },
        { ToolCallFormat.Llama3, "\n<|python_tag|>{\"name\": \"now\", \"parameters\": {}}; {\"type\": \"function\", \"name\": \"now\"}", "S0:now A0[{}] E0 S1:now A1[{}] E1" },
        { ToolCallFormat.Llama3, " {\"answer\": {\"name\": \"now\"}} <|python", "C[{\"answer\": {\"name\": \"now\"}} <|python]" },
        { ToolCallFormat.Llama3, "{\"name\": \"John\"}", "C[{\"name\": \"John\"}]" },
        { ToolCallFormat.Llama3, "Call {\"name\": \"now\"}", "C[Call {\"name\": \"now\"}]" },
        { ToolCallFormat.Llama3, "<|python_tag|>print(1)", "C[<|python_tag|>print(1)]" },
        { null, "a <tool_call>now\n</tool_call> ", "C[a <tool_call>now\n</tool_call> ]" },
    };

    [Theory]
    [MemberData(nameof(Whole))]
    public void EveryCutGivesTheSameParts(ToolCallFormat? format, string reply, string expected)
    {
        Assert.Equal(expected.Replace("\\uD83D\\uDE00", "😀", StringComparison.Ordinal), Plain([reply]));
        foreach (string[] pieces in Replies.Cuts(reply))
        {
            Assert.Equal(Plain([reply]), Plain(pieces));
        }

        string Plain(string[] pieces) => Replies.Line(Replies.Parse(pieces, format)).Replace("\\uD83D\\uDE00", "😀", StringComparison.Ordinal);
    }

    [Fact]
    public void RandomCutsGiveTheSameParts()
    {
        (ToolCallFormat? Format, string Reply)[] replies = [.. Whole.Select(row => (row.Data.Item1, row.Data.Item2))];
        Prop.ForAll<int, NonNegativeInt>((seed, number) =>
        {
            (ToolCallFormat? format, string reply) = replies[number.Get % replies.Length];
            return Replies.Line(Replies.Parse([reply], format)) == Replies.Line(Replies.Parse(Replies.Cut(reply, new Random(seed)), format));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }

    [Theory]
    [InlineData("city", "Paris", "\"Paris\"")]
    [InlineData("city", " 12\n", "\" 12\\n\"")]
    [InlineData("city", "{\"a\": 1}", "\"{\\\"a\\\": 1}\"")]
    [InlineData("days", " 12\n", "12")]
    [InlineData("days", "two", "\"two\"")]
    [InlineData("hot", "True", "true")]
    [InlineData("hot", "false", "false")]
    [InlineData("opts", "{'a': [True, None, \"x's\"], 'b': 'it\\'s \"so\"'}", "{\"a\": [true, null, \"x's\"], \"b\": \"it's \\\"so\\\"\"}")]
    [InlineData("opts", "{\"a\": 2.50}", "{\"a\": 2.50}")]
    [InlineData("opts", "{'a", "\"{'a\"")]
    [InlineData("list", "[1, 2", "\"[1, 2\"")]
    [InlineData("list", "[1, 2]", "[1, 2]")]
    [InlineData("id", "12", "12")]
    [InlineData("id", "1.5", "\"1.5\"")]
    [InlineData("id", "a1", "\"a1\"")]
    [InlineData("limit", "null", "null")]
    [InlineData("limit", "5", "\"5\"")]
    [InlineData("unit", "C", "\"C\"")]
    [InlineData("any", "123", "123")]
    [InlineData("any", "plain", "\"plain\"")]
    [InlineData("undeclared", "[1]", "[1]")]
    public void ArgumentsAreTypedByTheSchema(string key, string raw, string json)
    {
        string reply = $"{Open}get_weather\n<arg_key>{key}</arg_key>\n<arg_value>{raw}</arg_value>\n{Close}";
        ToolCallEnd end = Assert.Single(Replies.Parse([reply], ToolCallFormat.Glm45).OfType<ToolCallEnd>());
        Assert.Equal($"{{\"{key}\": {json}}}", end.Call.Arguments.Replace("\\u0027", "'", StringComparison.Ordinal));
    }

    [Fact]
    public void ValuesNestedTooDeepAreStrings()
    {
        foreach (int depth in (int[])[59, 60, 61, 100, 20_000])
        {
            string reply = $"{Open}get_weather\n<arg_key>any</arg_key>\n<arg_value>{new string('[', depth)}{new string(']', depth)}</arg_value>\n{Close}";
            string line = Replies.Line(Replies.Parse([reply], ToolCallFormat.Glm45));
            Assert.Contains(depth <= 60 ? "\"any\": [[" : "\"any\": \"[[", line, StringComparison.Ordinal);
            Assert.EndsWith("E0", line, StringComparison.Ordinal);
            string hermes = $"{Open}{{\"name\": \"now\", \"arguments\": {{\"a\": {new string('[', depth)}{new string(']', depth)}}}}}{Close}";
            Assert.Equal(depth <= 58, Replies.Line(Replies.Parse([hermes], ToolCallFormat.Hermes)).EndsWith("E0", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void AStringIsPassedOnWhileItIsWritten()
    {
        ReplyParser parser = new("", ToolCallFormat.Glm45, [Replies.Weather], new Random(1));
        parser.Append("<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>");
        Assert.Equal([new ToolArgumentsPart(0, "Par\\n")], parser.Append("Par\n"));
        Assert.Equal([new ToolArgumentsPart(0, "is ")], parser.Append("is </arg"));
        Assert.Empty(parser.Append("\ud83d"));
        ReplyPart smile = Assert.Single(parser.Append("\ude00"));
        Assert.Equal("</arg\ud83d\ude00", System.Text.Json.JsonDocument.Parse($"\"{((ToolArgumentsPart)smile).Json}\"").RootElement.GetString());
    }

    [Fact]
    public void HoldsBackOnlyWhatMayBeginACall()
    {
        ReplyParser parser = new("<think></think>", ToolCallFormat.Glm45, [Replies.Now]);
        Assert.Equal([new ContentPart("It")], parser.Append("\nIt "));
        Assert.Equal([new ContentPart(" is")], parser.Append("is\n<tool"));
        Assert.Equal([new ContentPart("\n<tool x")], parser.Append(" x"));
        Assert.Empty(parser.Append(" "));
        Assert.Equal([new ContentPart(" ")], parser.Flush());
        ReplyParser withoutTools = new("<think></think>", ToolCallFormat.Glm45);
        Assert.Equal([new ContentPart("It \n<tool_call>")], withoutTools.Append("It \n<tool_call>"));
    }

    [Fact]
    public void ACutReplyEndsNoCall()
    {
        const string Call = "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Rom</arg_value>\n";
        Assert.EndsWith("E0", Replies.Line(Replies.Parse([Call], ToolCallFormat.Glm45)), StringComparison.Ordinal);
        Assert.EndsWith($"F0 C[{Call}]", Replies.Line(Replies.Parse([Call], ToolCallFormat.Glm45, wasCut: true)), StringComparison.Ordinal);
        Assert.Equal("C[<tool_call>now]", Replies.Line(Replies.Parse(["<tool_call>now"], ToolCallFormat.Glm45, wasCut: true)));
    }

    [Fact]
    public void TheThoughtMayBeOpenAlready()
    {
        Assert.Equal("R[a] S0:now A0[{}] E0", Replies.Line(Replies.Parse([" a </think><tool_call>now</tool_call>"], ToolCallFormat.Glm47, "<|assistant|><think>")));
        Assert.Equal("S0:now A0[{}] E0", Replies.Line(Replies.Parse(["\n<tool_call>now\n</tool_call>"], ToolCallFormat.Glm45, "<|assistant|>\n<think></think>")));
    }

    [Theory]
    [InlineData("glm-4.7", ToolCallFormat.Glm47)]
    [InlineData("qwen3", ToolCallFormat.Hermes)]
    [InlineData("llama3", ToolCallFormat.Llama3)]
    [InlineData("smollm2", null)]
    [InlineData("deepseek", null)]
    [InlineData("mistral", null)]
    public void TheTemplateSaysHowCallsAreWritten(string family, ToolCallFormat? format) =>
        Assert.Equal(format, ToolCallFormats.Of(ChatTemplate.Parse(TemplateFiles.Read(family))));

    [Fact]
    public void TheBundledTemplateWritesCallsOfGlm45() => Assert.Equal(ToolCallFormat.Glm45, ToolCallFormats.Of(ChatTemplate.Parse(TemplateFiles.Glm45)));
}
