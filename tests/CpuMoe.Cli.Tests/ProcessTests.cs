using System.Globalization;
using CpuMoe.Gguf;
using CpuMoe.Testing;
using CpuMoe.Text;

namespace CpuMoe.Cli.Tests;

/// <summary>What only a process of its own can show: exit codes, separate streams, signals, pipes.</summary>
public class ProcessTests
{
    [Fact]
    public async Task Streams_are_separate_and_the_exit_code_arrives()
    {
        using ChildProcess child = new("run", "-p", "-", "--temp", "0");
        await child.In.WriteAsync("法国的首都是哪里？/nothink\n");
        child.In.Close();
        CliResult result = await child.FinishAsync();

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Equal("法国的首都是巴黎。\n", result.Out);
        Assert.Contains("toy", result.Error, StringComparison.Ordinal);
        Assert.Contains("tokens/s", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Faults_are_one_line_and_a_code()
    {
        using ChildProcess usage = new("run", "--temp", "-1", "-p", "x"), missing = new("inspect", "none.gguf");
        CliResult wrong = await usage.FinishAsync(), failed = await missing.FinishAsync();

        Assert.Equal((ExitCodes.Usage, ExitCodes.Failure), (wrong.ExitCode, failed.ExitCode));
        Assert.StartsWith("cpumoe: --temp must be", wrong.ErrorLine, StringComparison.Ordinal);
        Assert.Equal("cpumoe: no such file: none.gguf", failed.ErrorLine);
    }

    [Fact]
    public async Task Interrupt_stops_a_reply_but_not_the_chat()
    {
        SkipWithoutSignals();
        using ChildProcess child = new(["chat", "-m", TestData.DemoModel, "--temp", "0", "--no-think", .. NeverEnd()]);
        await child.In.WriteLineAsync("Tell me a story.");
        await child.In.FlushAsync(TestContext.Current.CancellationToken);
        await ReadSomeAsync(child.Out);
        child.Interrupt();
        Assert.Equal("cpumoe: stopped", await child.Error.ReadLineAsync(TestContext.Current.CancellationToken));
        await child.In.WriteLineAsync("/stats\n/exit");
        await child.In.FlushAsync(TestContext.Current.CancellationToken);
        CliResult result = await child.FinishAsync();

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Contains("tokens/s", result.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Interrupt_ends_a_run_and_keeps_the_answer_so_far()
    {
        SkipWithoutSignals();
        using ChildProcess child = new(["run", "-m", TestData.DemoModel, "--raw", "-p", "Once upon a time", .. NeverEnd()]);
        await ReadSomeAsync(child.Out);
        child.Interrupt();
        CliResult result = await child.FinishAsync();

        Assert.Equal(ExitCodes.Interrupted, result.ExitCode);
        Assert.EndsWith("\n", result.Out, StringComparison.Ordinal);
        Assert.Contains("tokens/s", result.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Interrupt_stops_the_call_of_a_tool_but_not_the_chat()
    {
        SkipWithoutSignals();
        using ChildProcess child = new("chat", "-m", TestData.DemoModel, "--temp", "0", "--no-think", "--mcp-allow", "--mcp", McpTests.Command("hangs"));
        await child.In.WriteLineAsync(ToolFiles.Question);
        await child.In.FlushAsync(TestContext.Current.CancellationToken);
        while (await child.Error.ReadLineAsync(TestContext.Current.CancellationToken) is { } line && !line.Contains("the model calls get_weather", StringComparison.Ordinal))
        {
        }

        child.Interrupt();
        Assert.Equal("cpumoe: stopped", await child.Error.ReadLineAsync(TestContext.Current.CancellationToken));
        await child.In.WriteLineAsync("/tools\n/exit");
        await child.In.FlushAsync(TestContext.Current.CancellationToken);
        CliResult result = await child.FinishAsync();

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Contains("get_weather (weather)", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_interrupt_at_the_prompt_leaves_the_chat()
    {
        SkipWithoutSignals();
        using ChildProcess child = new("chat", "-m", TestData.DemoModel);
        await child.In.WriteLineAsync("/think on");
        await child.In.FlushAsync(TestContext.Current.CancellationToken);
        Assert.Equal("cpumoe: thinking is on", await child.Error.ReadLineAsync(TestContext.Current.CancellationToken));
        child.Interrupt();
        Assert.Equal("", await child.Error.ReadLineAsync(TestContext.Current.CancellationToken));
        Assert.Equal("cpumoe: Ctrl-C again or /exit leaves", await child.Error.ReadLineAsync(TestContext.Current.CancellationToken));
        child.Interrupt();

        Assert.Equal(ExitCodes.Interrupted, child.Wait());
    }

    [Fact]
    public async Task A_closed_pipe_ends_the_command_quietly()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "Needs POSIX pipes.");
        using ChildProcess child = new(["run", "-m", TestData.DemoModel, "--raw", "-p", "Once upon a time", .. NeverEnd()]);
        await ReadSomeAsync(child.Out);
        child.Out.Close();

        Assert.Equal(ExitCodes.Success, child.Wait());
        Assert.Empty(await child.Error.ReadToEndAsync(TestContext.Current.CancellationToken));
    }

    // Without the ids that end a generation only the context ends it.
    private static string[] NeverEnd()
    {
        using GgufFile file = GgufFile.Open(TestData.DemoModel);
        return [.. Vocabulary.FromGguf(file.Metadata).EndOfGeneration.SelectMany(id => (string[])["--logit-bias", $"{id}=-inf"])];
    }

    private static async Task ReadSomeAsync(StreamReader output)
    {
        char[] some = new char[1];
        Assert.Equal(1, await output.ReadAsync(some, TestContext.Current.CancellationToken));
    }

    private static void SkipWithoutSignals()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs POSIX signals.");
        string ignored = File.ReadLines("/proc/self/status").Single(line => line.StartsWith("SigIgn:", StringComparison.Ordinal))["SigIgn:".Length..].Trim();
        const int Interrupt = 1 << 1; // SIGINT is signal 2
        Assert.SkipWhen((ulong.Parse(ignored, NumberStyles.HexNumber, CultureInfo.InvariantCulture) & Interrupt) != 0, "SIGINT is ignored in this session.");
    }
}
