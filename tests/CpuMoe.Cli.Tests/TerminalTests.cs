using CpuMoe.Testing;

namespace CpuMoe.Cli.Tests;

/// <summary>What looks different where a person watches.</summary>
public class TerminalTests
{
    [Theory]
    [InlineData(true, "\e[2mThe user asks for the capital of France. It is Paris.\e[0m\n")]
    [InlineData(false, "The user asks for the capital of France. It is Paris.\n")]
    public void A_thought_is_dim_if_the_user_allows_colors(bool useColor, string thought)
    {
        CliResult result = Cli.RunOnTerminal(useColor, "", "run", "-m", TestData.DemoModel, "-p", "What is the capital of France?", "--temp", "0");

        Assert.Equal("The capital of France is Paris.\n", result.Out);
        Assert.StartsWith(thought, result.Error, StringComparison.Ordinal);
        Assert.Equal(useColor, result.Error.Contains('\e', StringComparison.Ordinal));
    }

    [Fact]
    public void A_chat_prompts_for_each_line()
    {
        CliResult result = Cli.RunOnTerminal(false, "/think on\n", "chat", "-m", TestData.DemoModel);

        Assert.Empty(result.Out);
        Assert.EndsWith("> cpumoe: thinking is on\n> \n", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Tables_are_drawn()
    {
        CliResult result = Cli.RunOnTerminal(false, "", "inspect", TestData.DemoModel);

        Assert.Contains("───", result.Out, StringComparison.Ordinal);
        Assert.Contains("tokenizer.ggml.token_type", result.Out, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', result.Out);
    }

    [Fact]
    public void A_measurement_shows_how_far_it_is_and_clears_the_line()
    {
        string text = Path.GetTempFileName();
        try
        {
            File.WriteAllText(text, string.Join(' ', Enumerable.Repeat("The capital of France is Paris.", 12)));
            CliResult result = Cli.RunOnTerminal(false, "", "perplexity", "-m", TestData.DemoModel, "-f", text, "--ctx", "32");

            Assert.StartsWith("perplexity ", result.Out, StringComparison.Ordinal);
            Assert.Matches(@"^\rchunk 1 of \d, perplexity so far \d+\.\d{4} *\rchunk 2 of ", result.Error);
            Assert.Matches(@"\r +\r$", result.Error);
        }
        finally
        {
            File.Delete(text);
        }
    }
}
