using System.Text.Json;
using CpuMoe.Testing;

namespace CpuMoe.Cli.Tests;

/// <summary>Tools from a file, in <c>run</c> and <c>chat</c>.</summary>
public sealed class ToolTests : IDisposable
{
    private readonly ToolFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("--think")]
    [InlineData("--no-think")]
    public void A_typed_result_becomes_an_answer(string thinking)
    {
        CliResult result = Chat($"{ToolFiles.Question}\n{ToolFiles.Result}\nMy name is Ana.\n", thinking);

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.StartsWith(ToolFiles.Answer, result.Out, StringComparison.Ordinal);
        Assert.Contains("cpumoe: the model calls get_weather {\"city\": \"Paris\"}; type the result in one line\n", result.Error, StringComparison.Ordinal);
        Assert.Equal(thinking == "--think", result.Error.Contains("I call get_weather.", StringComparison.Ordinal));
        Assert.Equal(2, result.Out.TrimEnd().Split('\n').Length);
    }

    [Fact]
    public void Without_a_result_the_model_hears_of_it()
    {
        CliResult result = Chat($"{ToolFiles.Question}\n", "--no-think");

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Contains("cpumoe: get_weather failed: there is no result.\n", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_that_only_calls_must_answer_in_the_end()
    {
        // Nothing but these letters or a call: the model prefers to call, until it may not.
        string grammar = _files.Write("z.gbnf", "root ::= \"zq\"");
        string results = string.Concat(Enumerable.Repeat(ToolFiles.Result + "\n", 16));
        CliResult result = Chat($"{ToolFiles.Question}\n{results}/stats\n", "--no-think", "--grammar-file", grammar);

        Assert.Equal("zq\n", result.Out);
        Assert.Equal(16, result.Error.Split("the model calls get_weather").Length - 1);
        Assert.Contains("context ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_gives_the_calls()
    {
        string tools = _files.Write("tools.json", ToolFiles.Weather);
        string[] args = ["run", "-m", TestData.DemoModel, "--temp", "0", "-p", ToolFiles.Question, "--tools", tools];

        Assert.Equal("get_weather {\"city\": \"Paris\"}\n", Cli.Run(args).Out);
        using JsonDocument json = JsonDocument.Parse(Cli.Run([.. args, "--json"]).Out);
        JsonElement call = Assert.Single(json.RootElement.GetProperty("tool_calls").EnumerateArray());
        Assert.Equal("get_weather", call.GetProperty("name").GetString());
        Assert.Equal("Paris", call.GetProperty("arguments").GetProperty("city").GetString());
        Assert.Equal("tool_calls", json.RootElement.GetProperty("finish_reason").GetString());
        Assert.Contains("get_weather", json.RootElement.GetProperty("reasoning").GetString(), StringComparison.Ordinal);
        Assert.Equal("get_weather {\"city\": \"Paris\"}\n", Cli.Run([.. args, "--json-schema", """{"enum":["x"]}"""]).Out);
        // Where a schema holds, the reply is of it or a call.
        Assert.Matches("^(\"x\"|get_weather \\{.*\\})\n$", Cli.Run([.. args[..^4], "-p", "Hello", "--tools", tools, "--no-think", "--json-schema", """{"enum":["x"]}"""]).Out);
    }

    [Theory]
    [InlineData("[", "not JSON")]
    [InlineData("7", "an array of tools is expected")]
    [InlineData("{}", "an array of tools is expected")]
    [InlineData("[{}]", "tool 0: an object with a member 'function' is expected")]
    [InlineData("""{"tools":[{"function":{"name":" "}}]}""", "tool 0: the function has no name")]
    [InlineData("""[{"function":{"name":"f","parameters":[]}}]""", "tool 0: 'parameters' is not a JSON schema")]
    [InlineData("""[{"function":{"name":"f"}},{"function":{"name":"f"}}]""", "there are two tools with the name 'f'")]
    public void A_faulty_file_is_one_line(string json, string problem)
    {
        CliResult result = Cli.Run("chat", "-m", TestData.DemoModel, "--tools", _files.Write("faulty.json", json));

        Assert.Equal(ExitCodes.Failure, result.ExitCode);
        Assert.StartsWith("cpumoe: --tools: ", result.ErrorLine, StringComparison.Ordinal);
        Assert.Contains(problem, result.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public void A_template_without_calls_refuses_tools()
    {
        string template = _files.Write("t.jinja", "{{ messages[0].content }}"), tools = _files.Write("tools.json", ToolFiles.Weather);
        foreach (string command in (string[])["run", "chat"])
        {
            string[] prompt = command == "run" ? ["-p", "x"] : [];
            CliResult result = Cli.Run([command, "-m", TestData.DemoModel, "--chat-template", template, "--tools", tools, .. prompt]);
            Assert.Equal(ExitCodes.Failure, result.ExitCode);
            Assert.Contains("writes no tool calls", result.ErrorLine, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Tools_are_listed()
    {
        Assert.Contains("get_weather (typed by you): Get the current weather for a city.\n", Chat("/tools\n").Error, StringComparison.Ordinal);
        Assert.Contains("there are no tools", Cli.RunWithInput("/tools\n", "chat", "-m", TestData.DemoModel).Error, StringComparison.Ordinal);
    }

    private CliResult Chat(string script, params string[] args) =>
        Cli.RunWithInput(script, ["chat", "-m", TestData.DemoModel, "--temp", "0", "--tools", _files.Write("tools.json", ToolFiles.Weather), .. args]);
}
