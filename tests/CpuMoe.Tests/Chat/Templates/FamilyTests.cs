using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Chat.Templates;

namespace CpuMoe.Tests.Chat.Templates;

/// <summary>The prompts of other model families, made with templates written for these tests in the manner of the families.</summary>
public class FamilyTests
{
    private static readonly ToolDefinition Weather = new("get_weather", "Weather <of> a \"town\" é", """{"type":"object","properties":{"city":{"type":"string"}}}""");

    private static readonly ChatMessage[] Greeting = [TemplateFiles.User("Hi"), TemplateFiles.Assistant("Hello!", "greet"), TemplateFiles.User("Bye")];

    private static readonly ChatMessage[] Call =
    [
        TemplateFiles.System("S"),
        TemplateFiles.User("W?"),
        TemplateFiles.Assistant("", "need tool", new ToolCall("abcdefgh1", "get_weather", """{"city":"Pa\"ris é", "o": [1, true, null, 2.50]}""")),
        TemplateFiles.Tool("{\"t\":20}", "abcdefgh1"),
    ];

    [Fact]
    public void SmolLM2()
    {
        const string Default = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n";
        Renders("smollm2", Default + "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello!<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n", Greeting);
        Renders("smollm2", "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", [TemplateFiles.System("S"), TemplateFiles.User("Hi")]);
    }

    [Fact]
    public void Qwen3()
    {
        Renders("qwen3", "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello!<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n", Greeting);
        Renders(
            "qwen3",
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
            [TemplateFiles.User("Hi")],
            new PromptOptions { EnableThinking = false });
        Renders(
            "qwen3",
            "<|im_start|>system\nS\n\n# Tools\n\nCall functions where they help.\n<tools>\n"
            + """{"type": "function", "function": {"name": "get_weather", "description": "Weather <of> a \"town\" é", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}"""
            + "\n</tools>\nAnswer with <tool_call>{\"name\": …, \"arguments\": …}</tool_call>.<|im_end|>\n<|im_start|>user\nW?<|im_end|>\n"
            + "<|im_start|>assistant\n<think>\nneed tool\n</think>\n\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Pa\\\"ris é\", \"o\": [1, true, null, 2.5]}}\n</tool_call><|im_end|>\n"
            + "<|im_start|>user\n<tool_response>\n{\"t\":20}\n</tool_response><|im_end|>\n<|im_start|>assistant\n",
            Call,
            new PromptOptions { Tools = [Weather] });
    }

    [Fact]
    public void Llama3()
    {
        const string System = "<s><|start_header_id|>system<|end_header_id|>\n\nToday Date: 04 Jul 2026\n\n";
        Renders(
            "llama3",
            System + "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHello!<|eot_id|>"
            + "<|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
            Greeting);
        Renders(
            "llama3",
            System.Replace("Today", "Environment: ipython\nToday", StringComparison.Ordinal) + "S<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
            + """
            {
                "type": "function",
                "function": {
                    "name": "get_weather",
                    "description": "Weather <of> a \"town\" é",
                    "parameters": {
                        "type": "object",
                        "properties": {
                            "city": {
                                "type": "string"
                            }
                        }
                    }
                }
            }
            """.ReplaceLineEndings("\n")
            + "\n\nW?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Pa\\\"ris é\", \"o\": [1, true, null, 2.5]}}<|eot_id|>"
            + "<|start_header_id|>ipython<|end_header_id|>\n\n{\"t\":20}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
            Call,
            new PromptOptions { Tools = [Weather] });
        ChatMessage twoCalls = TemplateFiles.Assistant("", null, new("1", "f", "{}"), new("2", "f", "{}"));
        ChatTemplateException fault = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(TemplateFiles.Read("llama3")).Render([TemplateFiles.User("x"), twoCalls]));
        Assert.Contains("the template refuses: one call a turn", fault.Message, StringComparison.Ordinal);
    }

    /// <summary>This format wants arguments as text, and none for the text of a message that only calls.</summary>
    [Fact]
    public void DeepSeek()
    {
        Renders("deepseek", "<s><｜User｜>Hi<｜Assistant｜>Hello!<｜end▁of▁sentence｜><｜User｜>Bye<｜Assistant｜><think>\n", Greeting);
        Renders(
            "deepseek",
            "<s>S<｜User｜>W?<｜Assistant｜><｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{\"city\":\"Pa\\\"ris é\", \"o\": [1, true, null, 2.50]}\n```"
            + "<｜tool▁call▁end｜><｜tool▁calls▁end｜><｜end▁of▁sentence｜><｜tool▁outputs▁begin｜><｜tool▁output▁begin｜>{\"t\":20}<｜tool▁output▁end｜><｜tool▁outputs▁end｜>",
            Call);
    }

    [Fact]
    public void Mistral()
    {
        Renders("mistral", "<s>[SYSTEM_PROMPT]It is 2026-07-04.[/SYSTEM_PROMPT][INST]Hi[/INST]Hello!</s>[INST]Bye[/INST]", Greeting);
        Renders(
            "mistral",
            "<s>[SYSTEM_PROMPT]S[/SYSTEM_PROMPT][AVAILABLE_TOOLS]"
            + """[{"type": "function", "function": {"name": "get_weather", "description": "Weather <of> a \"town\" é", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]"""
            + "[/AVAILABLE_TOOLS][INST]W?[/INST][TOOL_CALLS]"
            + """[{"name": "get_weather", "arguments": {"city": "Pa\"ris é", "o": [1, true, null, 2.5]}, "id": "abcdefgh1"}]</s>[TOOL_RESULTS]{"content": "{\"t\":20}", "call_id": "abcdefgh1"}[/TOOL_RESULTS]""",
            Call,
            new PromptOptions { Tools = [Weather] });
        ChatTemplateException fault = Assert.Throws<ChatTemplateException>(
            () => ChatTemplate.Parse(TemplateFiles.Read("mistral")).Render([TemplateFiles.User("a"), TemplateFiles.User("b")]));
        Assert.Contains("the template refuses: user and assistant must take turns", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Glm47()
    {
        Renders("glm-4.7", "[gMASK]<sop><|user|>Hi<|assistant|></think>Hello!<|user|>Bye<|assistant|><think>", Greeting);
        Renders("glm-4.7", "[gMASK]<sop><|user|>Hi<|assistant|></think>Hello!<|user|>Bye<|assistant|></think>", Greeting, new PromptOptions { EnableThinking = false });
        Renders(
            "glm-4.7",
            "[gMASK]<sop><|user|>Hi<|assistant|><think>greet</think>Hello!<|user|>Bye<|assistant|><think>",
            Greeting,
            new PromptOptions { Variables = new Dictionary<string, JsonElement> { ["clear_thinking"] = JsonDocument.Parse("false").RootElement } });
        Renders(
            "glm-4.7",
            "[gMASK]<sop><|system|>S<|user|>W?<|assistant|><think>need tool</think><tool_call>get_weather<arg_key>city</arg_key><arg_value>Pa\"ris é</arg_value>"
            + "<arg_key>o</arg_key><arg_value>[1, true, null, 2.5]</arg_value></tool_call><|observation|><tool_response>{\"t\":20}</tool_response><|assistant|><think>",
            Call);
    }

    private static void Renders(string family, string expected, ChatMessage[] messages, PromptOptions? options = null) => Assert.Equal(
        expected,
        ChatTemplate.Parse(TemplateFiles.Read(family), "<s>", "</s>").Render(messages, (options ?? new PromptOptions()) with { Clock = new FixedClock() }).Text);
}
