namespace CpuMoe.Cli;

/// <summary>A fault to be told in one line.</summary>
/// <param name="message">What is wrong, where, and what to do.</param>
/// <param name="exitCode">One of <see cref="ExitCodes"/>.</param>
internal sealed class CliException(string message, int exitCode = ExitCodes.Failure) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
