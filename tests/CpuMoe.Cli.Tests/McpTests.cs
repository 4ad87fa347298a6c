using CpuMoe.Testing;
using CpuMoe.WeatherMcpServer;

namespace CpuMoe.Cli.Tests;

/// <summary><c>cpumoe chat</c> with a real MCP server in a process of its own.</summary>
public class McpTests
{
    [Theory]
    [InlineData("--think", true)]
    [InlineData("--think", false)]
    [InlineData("--no-think", true)]
    [InlineData("--no-think", false)]
    public void What_the_server_returns_becomes_an_answer(string thinking, bool isAllowed)
    {
        CliResult result = isAllowed
            ? Chat("", $"{ToolFiles.Question}\n", thinking, "--mcp-allow")
            : Chat("", $"{ToolFiles.Question}\nyes\n", thinking);

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Equal(ToolFiles.Answer, result.Out);
        Assert.StartsWith("cpumoe: the MCP server weather offers get_weather\n", result.Error, StringComparison.Ordinal);
        Assert.Contains(isAllowed ? "the model calls get_weather {\"city\": \"Paris\"} of weather\n" : "the model wants to call get_weather {\"city\": \"Paris\"} of weather: yes, no, or always?\n", result.Error, StringComparison.Ordinal);
        Assert.Contains($"cpumoe: get_weather gave {ToolFiles.Result}\n", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Always_is_asked_once_and_no_is_heard()
    {
        CliResult always = Chat("", $"{ToolFiles.Question}\nwhat?\na\nWhat is the weather in Rome?\n", "--no-think");
        Assert.Equal(2, always.Error.Split(" gave ").Length - 1);
        Assert.Single(always.Error.Split("wants to call").Skip(1));
        Assert.Contains("cpumoe: answer y (yes), n (no) or a (always", always.Error, StringComparison.Ordinal);
        Assert.Contains("Rome", always.Out, StringComparison.Ordinal);

        CliResult no = Chat("", $"{ToolFiles.Question}\nn\n", "--no-think");
        Assert.Contains("cpumoe: declined\n", no.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(" gave ", no.Error, StringComparison.Ordinal);
        Assert.NotEmpty(no.Out);
    }

    [Theory]
    [InlineData("dies", "get_weather failed: the MCP server weather has ended with exit code 3: out of weather\n")]
    [InlineData("hangs", "get_weather failed: the MCP server weather: no answer within 8 s\n")]
    [InlineData("fails", "get_weather failed: Paris is  [31munknown\n")]
    [InlineData("throws", "no such station")]
    public void A_server_that_misbehaves_is_told_of_and_the_chat_goes_on(string mode, string notice)
    {
        CliResult result = Chat(mode, $"{ToolFiles.Question}\n/reset\nHello\n/stats\n", ["--no-think", "--mcp-allow", .. mode == "hangs" ? (string[])["--mcp-timeout", "8"] : []]);

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Contains(notice, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', result.Error);
        Assert.NotEmpty(result.Out);
        Assert.Matches(@"cpumoe: prompt \d+ tokens .*, context ", result.Error);
    }

    [Fact]
    public void A_server_that_died_is_started_again()
    {
        CliResult result = Chat("dies", $"{ToolFiles.Question}\n/reset\n{ToolFiles.Question}\n", "--no-think", "--mcp-allow");

        string[] deaths = result.Error.Split("has ended with exit code 3: out of weather\n");
        Assert.True(deaths.Length > 2, result.Error);
    }

    [Fact]
    public void A_tool_with_a_bad_schema_is_left_out()
    {
        CliResult result = Chat("bad-schema", $"{ToolFiles.Question}\n", "--no-think", "--mcp-allow");

        Assert.Contains("cpumoe: the tool get_climate (weather) is left out: ", result.Error, StringComparison.Ordinal);
        Assert.Contains("\"nonsense\" is not a type", result.Error, StringComparison.Ordinal);
        Assert.Equal(ToolFiles.Answer, result.Out);
    }

    [Fact]
    public void Two_servers_with_one_name_of_a_tool_are_told_apart()
    {
        CliResult result = Chat("", $"{ToolFiles.Question}\n", "--no-think", "--mcp-allow", "--mcp", Command(""));

        Assert.Contains("cpumoe: the tool get_weather (weather) is left out: there is one with that name already (weather)\n", result.Error, StringComparison.Ordinal);
        Assert.Equal(ToolFiles.Answer, result.Out);
    }

    [Theory]
    [InlineData("silent")]
    [InlineData(null)]
    public void A_server_that_does_not_start_is_told_of_and_the_chat_goes_on(string? mode)
    {
        CliResult result = Cli.RunWithInput(
            "My name is Ana.\n", "chat", "-m", TestData.DemoModel, "--temp", "0", "--no-think", "--mcp-timeout", "2", "--mcp", mode is null ? "no-such-program-of-cpumoe" : Command(mode));

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Contains("cannot be used: ", result.Error, StringComparison.Ordinal);
        Assert.Contains("the chat goes on without it\n", result.Error, StringComparison.Ordinal);
        Assert.Equal("Nice to meet you, Ana!\n", result.Out);
    }

    private static CliResult Chat(string mode, string script, params string[] args) =>
        Cli.RunWithInput(script, ["chat", "-m", TestData.DemoModel, "--temp", "0", "--mcp", Command(mode), .. args]);

    /// <summary>Starts the server; <paramref name="mode"/> is what goes wrong with it.</summary>
    internal static string Command(string mode)
    {
        string host = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        return $"\"{host}\" \"{typeof(WeatherServer).Assembly.Location}\" {mode}".TrimEnd();
    }
}
