using System.Text;
using CpuMoe.Cli.Terminal;

namespace CpuMoe.Cli.Tests;

/// <summary>What a command left behind.</summary>
internal sealed record CliResult(int ExitCode, string Out, string Error)
{
    /// <summary>The only line on standard error.</summary>
    public string ErrorLine
    {
        get
        {
            Assert.EndsWith("\n", Error, StringComparison.Ordinal);
            string line = Error.TrimEnd();
            Assert.DoesNotContain('\n', line);
            return line;
        }
    }
}

/// <summary>Runs commands inside the test process.</summary>
internal static class Cli
{
    public static CliResult Run(params string[] args) => RunWithInput("", args);

    public static CliResult RunWithInput(string input, params string[] args) => RunWithInput(Encoding.UTF8.GetBytes(input), args);

    public static CliResult RunWithInput(byte[] input, params string[] args)
    {
        return Run(input, (reader, output, error) => new CliConsole(reader, output, error), args);
    }

    /// <summary>As if all three streams were a terminal.</summary>
    public static CliResult RunOnTerminal(bool useColor, string input, params string[] args) => Run(
        Encoding.UTF8.GetBytes(input),
        (reader, output, error) => new CliConsole(reader, output, error) { InIsTerminal = true, OutIsTerminal = true, ErrorIsTerminal = true, UseColor = useColor },
        args);

    private static CliResult Run(byte[] input, Func<TextReader, TextWriter, TextWriter, CliConsole> console, string[] args)
    {
        using StringWriter output = new() { NewLine = "\n" }, error = new() { NewLine = "\n" };
        using TextReader reader = CliConsole.Utf8Reader(new MemoryStream(input));
        int code = CommandLine.Run(args, console(reader, output, error));
        return new CliResult(code, output.ToString(), error.ToString());
    }
}
