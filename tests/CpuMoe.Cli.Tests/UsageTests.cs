using CpuMoe.Testing;

namespace CpuMoe.Cli.Tests;

/// <summary>Faults in the arguments: one line on standard error, nothing on standard output, exit code 2.</summary>
public class UsageTests
{
    public static TheoryData<string, string[]> WrongArguments => new()
    {
        { "no command given", [] },
        { "unknown command 'frobnicate'", ["frobnicate"] },
        { "prompt is needed", ["run"] },
        { "prompt is empty", ["run", "-p", ""] },
        { "-p and -f exclude each other", ["run", "-p", "x", "-f", "y"] },
        { "--no-such-option", ["run", "-p", "x", "--no-such-option"] },
        { "--temp must be a number of 0 or more, not '-1'", ["run", "-p", "x", "--temp", "-1"] },
        { "--temp must be a number of 0 or more, not 'hot'", ["run", "-p", "x", "--temp", "hot"] },
        { "--temp must be a number of 0 or more, not 'NaN'", ["run", "-p", "x", "--temp", "NaN"] },
        { "--temp", ["run", "-p", "x", "--temp"] },
        { "--top-k must be", ["run", "-p", "x", "--top-k", "-1"] },
        { "--top-p must be", ["run", "-p", "x", "--top-p", "0"] },
        { "--top-p must be", ["run", "-p", "x", "--top-p", "1.5"] },
        { "--min-p must be", ["run", "-p", "x", "--min-p", "2"] },
        { "--repeat-penalty must be", ["run", "-p", "x", "--repeat-penalty", "0"] },
        { "--presence-penalty must be", ["run", "-p", "x", "--presence-penalty", "many"] },
        { "--frequency-penalty must be", ["run", "-p", "x", "--frequency-penalty", "Infinity"] },
        { "--seed must be", ["run", "-p", "x", "--seed", "-5"] },
        { "-n must be", ["run", "-p", "x", "-n", "0"] },
        { "-n must be", ["run", "-p", "x", "-n", "1.5"] },
        { "--threads must be", ["run", "-p", "x", "--threads", "-2"] },
        { "--ctx must be", ["run", "-p", "x", "--ctx", "0"] },
        { "--kv-type must be f16, q8_0 or f32, not 'q4_0'", ["run", "-p", "x", "--kv-type", "q4_0"] },
        { "--compute must be fast or reference, not 'gpu'", ["run", "-p", "x", "--compute", "gpu"] },
        { "--stop must not be empty", ["run", "-p", "x", "--stop", ""] },
        { "--logit-bias must be ID=VALUE", ["run", "-p", "x", "--logit-bias", "5"] },
        { "--logit-bias must be ID=VALUE", ["run", "-p", "x", "--logit-bias", "5=much"] },
        { "--logit-bias must be ID=VALUE", ["run", "-p", "x", "--logit-bias", "-5=1"] },
        { "--think and --no-think exclude each other", ["run", "-p", "x", "--think", "--no-think"] },
        { "--raw and --no-think exclude each other", ["run", "-p", "x", "--raw", "--no-think"] },
        { "--raw and --chat-template exclude each other", ["run", "-p", "x", "--raw", "--chat-template", "t.jinja"] },
        { "--raw and --system exclude each other", ["run", "-p", "x", "--raw", "--system", "y"] },
        { "--think and --no-think exclude each other", ["chat", "--think", "--no-think"] },
        { "--temp must be", ["chat", "--temp", "-0.1"] },
        { "--think-budget must be", ["chat", "--think-budget", "-1"] },
        { "--raw and --tools exclude each other", ["run", "-p", "x", "--raw", "--tools", "t.json"] },
        { "--raw and --think-budget exclude each other", ["run", "-p", "x", "--raw", "--think-budget", "5"] },
        { "--mcp must name a program", ["chat", "--mcp", " "] },
        { "--mcp-timeout must be", ["chat", "--mcp-timeout", "0"] },
        { "--mcp", ["run", "-p", "x", "--mcp", "y"] },
        { "extra", ["chat", "extra"] },
        { "inspect", ["inspect"] },
        { "tokenize", ["tokenize"] },
        { "detokenize", ["detokenize"] },
        { "token id must be", ["detokenize", "12", "x"] },
        { "token id must be", ["detokenize", "12,1.5"] },
        { "-f", ["perplexity"] },
        { "--ctx must be", ["perplexity", "-f", "x", "--ctx", "2"] },
        { "TYPE must be Q4_K_M, F16,", ["quantize", "a", "b", "Q4"] },
        { "quantize", ["quantize", "a", "b"] },
        { "--tensor-type must be REGEX=TYPE with one of F16, ", ["quantize", "a", "b", "Q4_K_M", "--tensor-type", "x=IQ4_XS"] },
        { "--tensor-type: Invalid pattern", ["quantize", "a", "b", "Q4_K_M", "--tensor-type", "(=Q8_0"] },
        { "--split must be a size", ["quantize", "a", "b", "Q4_K_M", "--split", "0"] },
        { "-p 0 and -n 0 leave nothing to measure", ["bench", "-p", "0", "-n", "0"] },
        { "-p must be an integer of 0 or more, not '-1'", ["bench", "-p", "-1"] },
        { "-r must be an integer from 1 to 1000, not '0'", ["bench", "-r", "0"] },
        { "--batch must be an integer from 1 to 4096, not '4097'", ["bench", "--batch", "4097"] },
        { "--depth must be", ["bench", "--depth", "deep"] },
        { "--ctx", ["bench", "--ctx", "512"] },
        { "--format must be one of F32, ", ["kernels", "--format", "Q4_K", "IQ2_XXS"] },
        { "--isa must be 512, 256, 128 or scalar, not 'neon'", ["kernels", "--isa", "neon"] },
        { "--patience must be", ["kernels", "--patience", "0"] },
        { "experts", ["experts"] },
        { "--sizes must be shares up to 100%, memory such as 12GiB, or numbers of experts, not '101%'", ["experts", "x", "--sizes", "50%", "101%"] },
        { "--sizes must be", ["experts", "x", "--sizes", "0"] },
        { "--sizes must be", ["experts", "x", "--sizes", "NaN%"] },
        { "--sizes must be", ["experts", "x", "--sizes", "some"] },
        { "--ctx must be an integer of 1 or more, not '0'", ["fit", "glm-4.5", "--ctx", "0"] },
        { "--kv-type must be f16, q8_0 or f32, not 'f8'", ["fit", "glm-4.5", "--kv-type", "f8"] },
        { "--memory must be a size", ["fit", "glm-4.5", "--memory", "much"] },
        { "--machine and --threads exclude each other", ["fit", "glm-4.5", "--machine", "m.json", "--threads", "2"] },
        { "pull", ["pull"] },
        { "--connections must be an integer from 1 to 64, not '0'", ["pull", "hf:o/r", "-j", "0"] },
        { "extra", ["list", "extra"] },
        { "rm", ["rm"] },
    };

    [Theory]
    [MemberData(nameof(WrongArguments))]
    public void Tells_what_is_wrong_in_one_line(string expected, string[] args)
    {
        CliResult result = Cli.Run(args);

        Assert.Equal(ExitCodes.Usage, result.ExitCode);
        Assert.Empty(result.Out);
        Assert.StartsWith("cpumoe: ", result.ErrorLine, StringComparison.Ordinal);
        Assert.Contains(expected, result.ErrorLine, StringComparison.Ordinal);
        Assert.Contains("--help", result.ErrorLine, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("chat")]
    [InlineData("serve")]
    [InlineData("inspect")]
    [InlineData("tokenize")]
    [InlineData("detokenize")]
    [InlineData("perplexity")]
    [InlineData("bench")]
    [InlineData("kernels")]
    [InlineData("experts")]
    [InlineData("fit")]
    [InlineData("pull")]
    [InlineData("list")]
    [InlineData("rm")]
    public void Help_of_a_command_has_examples_of_it(string command)
    {
        CliResult result = Cli.Run(command, "--help");

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Empty(result.Error);
        Assert.Contains($"Usage:\n  cpumoe {command}", result.Out.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        string examples = result.Out[result.Out.IndexOf("Examples:", StringComparison.Ordinal)..];
        Assert.Contains($"cpumoe {command}", examples, StringComparison.Ordinal);
    }

    [Fact]
    public void Examples_in_the_help_are_valid_command_lines()
    {
        // Files named in examples do not exist: a fault of the files (1) is right, a fault of the arguments (2) is not.
        foreach (string command in (string[])["run", "chat", "serve", "inspect", "tokenize", "detokenize", "perplexity", "bench"])
        {
            string help = Cli.Run(command, "--help").Out.ReplaceLineEndings("\n");
            string[] examples = [.. help[help.IndexOf("Examples:", StringComparison.Ordinal)..].Split('\n').Where(line => line.Contains("-m model.gguf", StringComparison.Ordinal))];
            foreach (string example in examples)
            {
                string last = example.Split('|').Last(part => part.Contains("cpumoe", StringComparison.Ordinal));
                string[] words = [.. System.Text.RegularExpressions.Regex.Matches(last.Split(['<', '>'])[0], "\"[^\"]*\"|\\S+").Select(match => match.Value.Trim('"'))];
                CliResult result = Cli.Run([.. words.SkipWhile(word => word != "cpumoe").Skip(1)]);
                Assert.True(result.ExitCode != ExitCodes.Usage, $"{example}: {result.Error}");
            }
        }
    }

    [Fact]
    public void Help_lists_the_commands()
    {
        CliResult result = Cli.Run("--help");

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.All((string[])["run", "chat", "serve", "inspect", "tokenize", "detokenize", "perplexity", "bench", "kernels", "experts", "pull", "list", "rm"], command => Assert.Contains(command, result.Out, StringComparison.Ordinal));
    }

    [Fact]
    public void Version_is_that_of_the_assembly()
    {
        CliResult result = Cli.Run("--version");

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Equal($"cpumoe {typeof(CommandLine).Assembly.GetName().Version!.ToString(3)}\n", result.Out);
    }

    [Fact]
    public void A_missing_model_is_a_failure()
    {
        foreach (string[] args in (string[][])[["run", "-p", "x", "-m", "none.gguf"], ["chat", "-m", "none.gguf"], ["inspect", "none.gguf"], ["tokenize", "x", "-m", "none.gguf"], ["detokenize", "1", "-m", "none.gguf"], ["bench", "-m", "none.gguf"]])
        {
            CliResult result = Cli.Run(args);
            Assert.Equal(ExitCodes.Failure, result.ExitCode);
            Assert.Equal("cpumoe: no such file: none.gguf", result.ErrorLine);
        }
    }

    [Fact]
    public void A_file_that_is_not_a_model_is_a_failure()
    {
        string text = Path.Combine(TestData.DataFolder, "demo", "ppl.txt");
        foreach (string[] args in (string[][])[["run", "-p", "x", "-m", text], ["chat", "-m", text], ["inspect", text], ["tokenize", "x", "-m", text]])
        {
            CliResult result = Cli.Run(args);
            Assert.Equal(ExitCodes.Failure, result.ExitCode);
            Assert.Contains("ppl.txt", result.ErrorLine, StringComparison.Ordinal);
            Assert.Empty(result.Out);
        }
    }

    [Fact]
    public void A_folder_is_not_a_model()
    {
        CliResult result = Cli.Run("inspect", TestData.DataFolder);

        Assert.Equal(ExitCodes.Failure, result.ExitCode);
        Assert.Contains("is a folder", result.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_prompt_file_is_a_failure()
    {
        CliResult result = Cli.Run("run", "-f", "no-such-prompt.txt", "-m", TestData.DemoModel);

        Assert.Equal(ExitCodes.Failure, result.ExitCode);
        Assert.Equal("cpumoe: no such file: no-such-prompt.txt", result.ErrorLine);
    }

    [Fact]
    public void Input_must_be_utf8()
    {
        CliResult prompt = Cli.RunWithInput([0x41, 0xFF, 0xFE], "run", "-p", "-", "-m", TestData.DemoModel);
        CliResult chat = Cli.RunWithInput([0x41, 0xC3], "chat", "-m", TestData.DemoModel);

        Assert.All((CliResult[])[prompt, chat], result =>
        {
            Assert.Equal(ExitCodes.Failure, result.ExitCode);
            Assert.Equal("cpumoe: standard input is not valid UTF-8", result.ErrorLine);
        });
    }

    [Fact]
    public void An_empty_prompt_on_standard_input_is_a_failure()
    {
        CliResult result = Cli.RunWithInput("\n", "run", "-p", "-", "-m", TestData.DemoModel);

        Assert.Equal(ExitCodes.Failure, result.ExitCode);
        Assert.Equal("cpumoe: the prompt is empty", result.ErrorLine);
    }

    [Fact]
    public void A_context_beyond_the_model_is_a_failure()
    {
        foreach (string[] args in (string[][])[["run", "-p", "x"], ["chat"], ["perplexity", "-f", Path.Combine(TestData.DataFolder, "demo", "ppl.txt")]])
        {
            CliResult result = Cli.Run([.. args, "-m", TestData.DemoModel, "--ctx", "1000000"]);
            Assert.Equal(ExitCodes.Failure, result.ExitCode);
            Assert.Contains("--ctx 1000000 is more than the 2048 tokens of the model", result.ErrorLine, StringComparison.Ordinal);
        }
    }
}
