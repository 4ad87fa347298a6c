using CpuMoe.Chat;
using CpuMoe.Chat.Templates;
using CpuMoe.Tests.Text;
using CpuMoe.Text;

namespace CpuMoe.Tests.Chat.Templates;

/// <summary>The prompts of GLM-4.5, made with the template of the bundled model.</summary>
public class Glm45Tests
{
    private const string Start = "[gMASK]<sop>";

    private const string ToolsText =
        """
        # Tools

        You may call one or more functions to assist with the user query.

        You are provided with function signatures within <tools></tools> XML tags:
        <tools>
        {"type": "function", "function": {"name": "get_weather", "description": "Get <the> \"weather\" in é", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}
        {"type": "function", "function": {"name": "now"}}
        </tools>

        For each function call, output the function name and arguments within the following XML format:
        <tool_call>{function-name}
        <arg_key>{arg-key-1}</arg_key>
        <arg_value>{arg-value-1}</arg_value>
        <arg_key>{arg-key-2}</arg_key>
        <arg_value>{arg-value-2}</arg_value>
        ...
        </tool_call>
        """;

    private static readonly ChatTemplate Template = ChatTemplate.Of(Tokenizers.Demo);
    private static readonly ChatMessage Hi = TemplateFiles.User("Hi");
    private static readonly ChatMessage Bye = TemplateFiles.User("Bye");
    private static readonly ChatMessage Hello = TemplateFiles.Assistant("Hello!", "greet");
    private static readonly ChatMessage InlineHello = TemplateFiles.Assistant("<think>greet\n</think>\n\nHello!");

    [Fact]
    public void TheModelBringsItsTemplate() => Assert.Equal(TemplateFiles.Glm45.TrimEnd(), Template.Source);

    [Fact]
    public void TheTokensOfTheModelAreKnown() =>
        Assert.Equal("[gMASK]<|endoftext|>", ChatTemplate.Parse("{{ bos_token + eos_token }}", Tokenizers.Demo.Vocabulary).Render([]).Text);

    [Fact]
    public void ATemplateSaysWhetherItKnowsThinking()
    {
        Assert.True(Template.KnowsThinking);
        Assert.True(ChatTemplate.Parse("{% if thinking %}{% endif %}").KnowsThinking);
        Assert.False(ChatTemplate.Parse("enable_thinking {{ messages[0].thinking }}{{ 'thinking' }}").KnowsThinking);
    }

    [Fact]
    public void NoMessages() => Renders("<|assistant|>", null);

    [Fact]
    public void AUserTurn()
    {
        Renders("<|user|>\nHi<|assistant|>", null, Hi);
        Renders("<|user|>\nHi<|assistant|>", true, Hi);
        Renders("<|user|>\nHi/nothink<|assistant|>\n<think></think>", false, Hi);
    }

    [Fact]
    public void ASystemTurn() => Renders("<|system|>\nBe brief.<|user|>\nHi<|assistant|>", null, TemplateFiles.System("Be brief."), Hi);

    [Fact]
    public void TheReasoningOfHistoryIsStripped()
    {
        const string Thinking = "<|user|>\nHi<|assistant|>\n<think></think>\nHello!<|user|>\nBye<|assistant|>";
        const string NotThinking = "<|user|>\nHi/nothink<|assistant|>\n<think></think>\nHello!<|user|>\nBye/nothink<|assistant|>\n<think></think>";
        Renders(Thinking, null, Hi, Hello, Bye);
        Renders(Thinking, true, Hi, InlineHello, Bye);
        Renders(NotThinking, false, Hi, Hello, Bye);
        Renders(NotThinking, false, Hi, InlineHello, Bye);
    }

    [Fact]
    public void TheReasoningAfterTheLastUserTurnIsKept()
    {
        const string Kept = "<|user|>\nHi<|assistant|>\n<think>greet</think>\nHello!<|assistant|>";
        Renders(Kept, null, Hi, Hello);
        Renders(Kept, null, Hi, InlineHello);
        Renders(Kept, null, Hi, TemplateFiles.Assistant("  Hello!\n", "\n greet \n"));
        Renders("<|user|>\nHi<|assistant|>\n<think>b</think>\nd<|assistant|>", null, Hi, TemplateFiles.Assistant("a<think>b</think>c</think>d"));
        Renders("<|user|>\nHi<|assistant|>\n<think>b</think><|assistant|>", null, Hi, TemplateFiles.Assistant("b</think>\n"));
    }

    [Fact]
    public void AnEmptyReasoningMeansThatTheTextHasNone() =>
        Renders("<|user|>\nHi<|assistant|>\n<think></think>\na</think>b<|assistant|>", null, Hi, TemplateFiles.Assistant("a</think>b", ""));

    [Fact]
    public void ATypedSwitchIsNotRepeated()
    {
        Renders("<|user|>\nHi/nothink<|assistant|>\n<think></think>", false, TemplateFiles.User("Hi/nothink"));
        Renders("<|user|>\nHi/nothink<|assistant|>", true, TemplateFiles.User("Hi/nothink"));
        int[] ids = Tokenizers.Demo.Encode(Template.Render([TemplateFiles.User("Hi/nothink")]).Segments);
        Assert.Contains(Tokenizers.Demo.Vocabulary.Find("/nothink"), ids);
    }

    [Fact]
    public void ParallelCallsAndTheirResults() => Renders(
        "<|user|>\nWeather?<|assistant|>\n<think>need tool</think>"
        + "\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n</tool_call>"
        + "\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Rome</arg_value>\n</tool_call>"
        + "<|observation|>\n<tool_response>\n{\"t\":20}\n</tool_response>\n<tool_response>\n{\"t\":25}\n</tool_response><|assistant|>",
        null,
        TemplateFiles.User("Weather?"),
        TemplateFiles.Assistant("", "need tool", new("1", "get_weather", """{"city": "Paris", "days": 3}"""), new("2", "get_weather", """{"city":"Rome"}""")),
        TemplateFiles.Tool("{\"t\":20}", "1"),
        TemplateFiles.Tool("{\"t\":25}", "2"));

    [Fact]
    public void ContentBeforeACallOfAnOlderTurn() => Renders(
        "<|user|>\nWeather?<|assistant|>\n<think></think>\nLet me check."
        + "\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n<arg_key>opts</arg_key>\n<arg_value>{\"a\": [1, true, null]}</arg_value>"
        + "\n<arg_key>flag</arg_key>\n<arg_value>true</arg_value>\n</tool_call><|observation|>\n<tool_response>\nok\n</tool_response><|user|>\nThanks<|assistant|>",
        null,
        TemplateFiles.User("Weather?"),
        TemplateFiles.Assistant("Let me check.", "hm", new ToolCall("1", "get_weather", """{"city":"Paris","opts":{"a":[1,true,null]},"flag":true}""")),
        TemplateFiles.Tool("ok", "1"),
        TemplateFiles.User("Thanks"));

    [Fact]
    public void ACallWithoutArguments() => Renders(
        "<|assistant|>\n<think></think>\n<tool_call>f\n</tool_call><|assistant|>", null, TemplateFiles.Assistant("", null, new ToolCall("1", "f", "{}")));

    [Fact]
    public void ResultsAfterATurnOfTheUserBeginAnew() => Renders(
        "<|observation|>\n<tool_response>\na\n</tool_response><|user|>\nHi<|observation|>\n<tool_response>\nb\n</tool_response><|assistant|>",
        null,
        TemplateFiles.Tool("a"),
        Hi,
        TemplateFiles.Tool("b"));

    [Fact]
    public void Tools()
    {
        PromptOptions options = new()
        {
            Tools =
            [
                new("get_weather", "Get <the> \"weather\" in é", """{"type":"object", "properties" : {"city":{"type":"string"}}}"""),
                new("now", null, null),
            ],
        };
        Assert.Equal(
            $"{Start}<|system|>\n{ToolsText.ReplaceLineEndings("\n")}<|system|>\nBe brief.<|user|>\nWeather?<|assistant|>",
            Template.Render([TemplateFiles.System("Be brief."), TemplateFiles.User("Weather?")], options).Text);
    }

    [Fact]
    public void WithoutAGenerationPrompt() =>
        Assert.Equal($"{Start}<|user|>\nHi", Template.Render([Hi], new PromptOptions { AddGenerationPrompt = false }).Text);

    [Fact]
    public void AFollowUpKeepsTheWholePrefixUpToTheLastAnswer()
    {
        Tokenizer tokenizer = Tokenizers.Demo;
        int[] first = tokenizer.Encode(Template.Render([Hi], new PromptOptions { EnableThinking = false }).Segments);
        int[] second = tokenizer.Encode(Template.Render([Hi, Hello, Bye], new PromptOptions { EnableThinking = false }).Segments);
        Assert.Equal(first, second[..first.Length]);
    }

    private static void Renders(string expected, bool? thinking, params ChatMessage[] messages) =>
        Assert.Equal(Start + expected, Template.Render(messages, new PromptOptions { EnableThinking = thinking }).Text);
}
