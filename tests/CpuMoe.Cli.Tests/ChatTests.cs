using CpuMoe.Testing;

namespace CpuMoe.Cli.Tests;

/// <summary><c>cpumoe chat</c> with a script as its input.</summary>
public class ChatTests
{
    private static CliResult Chat(string script, params string[] args) =>
        Cli.RunWithInput(script, ["chat", "-m", TestData.DemoModel, "--temp", "0", "--no-think", .. args]);

    [Fact]
    public void Remembers_what_was_said_and_reuses_the_cache()
    {
        CliResult result = Chat("My name is Ana.\nWhat is my name?\n/stats\n/exit\nnever read\n");

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        string[] answers = result.Out.TrimEnd().Split('\n');
        Assert.Equal(2, answers.Length);
        Assert.Equal("Nice to meet you, Ana!", answers[0]);
        Assert.Contains("Ana", answers[1], StringComparison.Ordinal);
        // 34 tokens as in the golden prompt; all of the first turn (26, up to the end of its answer) but what the
        // second one starts with.
        Assert.Matches(@"^cpumoe: prompt 34 tokens \((2[0-9]) cached\) .*, context \d+ of 2048 tokens$", result.ErrorLine);
    }

    [Fact]
    public void The_end_of_the_input_leaves() => Assert.Equal(new CliResult(ExitCodes.Success, "", ""), Chat(""));

    [Fact]
    public void Reset_forgets()
    {
        CliResult result = Chat("My name is Ana.\n/reset\nWhat is my name?\n/stats");

        Assert.DoesNotContain("Ana", result.Out.Split('\n')[1], StringComparison.Ordinal);
        Assert.Contains("cpumoe: the conversation is forgotten\n", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Thinking_can_be_switched()
    {
        CliResult result = Chat("/think on\nWhat is the capital of France?\n/think off\nWhat is the capital of Japan?\n/think maybe\n");

        Assert.Equal("The capital of France is Paris.\nThe capital of Japan is Tokyo.\n", result.Out);
        Assert.Equal(
            "cpumoe: thinking is on\nThe user asks for the capital of France. It is Paris.\ncpumoe: thinking is off\ncpumoe: /think takes on, off, show or hide\n", result.Error);
    }

    [Fact]
    public void Instructions_start_over()
    {
        CliResult result = Chat("My name is Ana.\n/system Be kind.\nWhat is my name?\n/stats\n/system\n");

        Assert.DoesNotContain("Ana", result.Out.Split('\n')[1], StringComparison.Ordinal);
        Assert.Contains("new instructions", result.Error, StringComparison.Ordinal);
        Assert.Contains("no instructions", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_system_option_takes_part_in_the_prompt()
    {
        string without = Chat("Hello\n/stats\n").Error, with = Chat("Hello\n/stats\n", "--system", "Be kind.").Error;

        Assert.True(PromptTokens(with) > PromptTokens(without), with);
    }

    [Fact]
    public void Help_and_unknown_commands_do_not_reach_the_model()
    {
        CliResult result = Chat("/help\n/frob\n/stats\n\n   \n");

        Assert.Empty(result.Out);
        Assert.Contains("/think on|off", result.Error, StringComparison.Ordinal);
        Assert.Contains("cpumoe: unknown command /frob; /help lists the commands\n", result.Error, StringComparison.Ordinal);
        Assert.EndsWith("cpumoe: nothing was generated yet\n", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_conversation_that_the_template_refuses_goes_on_without_the_message()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "[gMASK]<sop><|user|>\n{% if messages[0].content == 'no' %}{{ raise_exception('not that') }}{% endif %}Hello/nothink<|assistant|>\n<think></think>");
            CliResult result = Chat("no\nHello\n", "--chat-template", path);

            Assert.EndsWith("cpumoe: chat template, line 2, column 55: the template refuses: not that\n", result.Error, StringComparison.Ordinal);
            Assert.NotEmpty(result.Out);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_message_that_does_not_fit_is_forgotten_and_the_chat_goes_on()
    {
        CliResult result = Chat($"{string.Join(' ', Enumerable.Repeat("France", 60))}\nHello\n", "--ctx", "48");

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Contains("leaves no room in a context of 48; /reset starts over\n", result.Error, StringComparison.Ordinal);
        Assert.NotEmpty(result.Out);
    }

    [Fact]
    public void A_conversation_that_fills_the_context_says_so()
    {
        CliResult result = Chat("What is the capital of France?\n", "--ctx", "21");

        Assert.Contains("cpumoe: the context is full; /reset starts over\n", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_thought_can_be_folded_and_shown_later()
    {
        CliResult result = Chat("/think on\n/thought\n/think hide\nWhat is the capital of France?\n/thought\n/think show\n/stats\n");

        Assert.Equal("The capital of France is Paris.\n", result.Out);
        Assert.StartsWith(
            """
            cpumoe: thinking is on
            cpumoe: there was no thought
            cpumoe: thoughts are folded; /thought shows the last one
            (thinking; /thought shows it)
            cpumoe: the last thought:
            The user asks for the capital of France. It is Paris.
            cpumoe: thoughts are shown

            """,
            result.Error,
            StringComparison.Ordinal);
        Assert.Matches(@"generated 31 at [\d.]+ tokens/s, \d+ of them thought, first token", result.Error);
    }

    [Fact]
    public void A_thought_can_be_limited()
    {
        CliResult result = Cli.RunWithInput("What is the capital of France?\n/stats\n", "chat", "-m", TestData.DemoModel, "--temp", "0", "--think", "--think-budget", "3");

        Assert.NotEmpty(result.Out);
        Assert.Matches(@", [1-6] of them thought", result.Error);
        CliResult run = Cli.Run("run", "-m", TestData.DemoModel, "--temp", "0", "--think-budget", "3", "-p", "What is the capital of France?");
        Assert.NotEmpty(run.Out);
        Assert.DoesNotContain("It is Paris", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Answers_keep_to_a_schema()
    {
        Assert.Equal("\"Paris\"\n", Chat("What is the capital of France?\n", "--json-schema", """{"enum":["Rome","Paris"]}""").Out);
    }

    private static int PromptTokens(string stats) =>
        int.Parse(System.Text.RegularExpressions.Regex.Match(stats, @"prompt (\d+) tokens").Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
}
