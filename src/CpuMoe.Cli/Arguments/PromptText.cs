using CpuMoe.Cli.Terminal;

namespace CpuMoe.Cli.Arguments;

/// <summary>Texts given as an argument, or on standard input where the argument is <c>-</c>.</summary>
internal static class PromptText
{
    /// <summary>The text itself or, for <c>-</c>, all of standard input.</summary>
    public static string Read(string argument, CliConsole console) => argument == "-" ? console.In.ReadToEnd() : argument;

    /// <summary>The text without the line break that shells and editors put at its end.</summary>
    public static string WithoutFinalLineBreak(string text) =>
        text.EndsWith("\r\n", StringComparison.Ordinal) ? text[..^2] : text.EndsWith('\n') ? text[..^1] : text;
}
