using System.CommandLine;
using System.CommandLine.Invocation;
using CpuMoe.Cli;

namespace CpuMoe.Synth;

internal static class Program
{
    private static int Main(string[] args)
    {
        using CancellationTokenSource interrupt = new();
        Console.CancelKeyPress += (_, e) =>
        {
            // The partial file is removed on the way out.
            e.Cancel = true;
            interrupt.Cancel();
        };
        return Run(args, Console.Out, Console.Error, interrupt.Token);
    }

    /// <summary>Runs one command line; never throws for a fault of the input.</summary>
    public static int Run(string[] args, TextWriter output, TextWriter error, CancellationToken cancellation = default)
    {
        try
        {
            ParseResult result = new SynthCommand { Cancellation = cancellation }.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
            return result.Action is ParseErrorAction
                ? throw new CliException($"{result.Errors[0].Message.TrimEnd('.')} (see 'cpumoe-synth --help')", ExitCodes.Usage)
                : result.Invoke(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (CliException fault)
        {
            return Report(fault.Message, fault.ExitCode);
        }
        catch (OperationCanceledException)
        {
            return Report("interrupted, nothing was kept", ExitCodes.Interrupted);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return Report(fault.Message, ExitCodes.Failure);
        }

        int Report(string message, int code)
        {
            error.WriteLine($"cpumoe-synth: {message.ReplaceLineEndings(" ")}");
            return code;
        }
    }
}
