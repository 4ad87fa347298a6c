using CpuMoe.Cli.Terminal;

namespace CpuMoe.Cli;

internal static class Program
{
    private static int Main(string[] args)
    {
        CliConsole console = CliConsole.OfProcess();
        Console.CancelKeyPress += (_, e) => e.Cancel = console.Interrupts.Raise();
        return CommandLine.Run(args, console);
    }
}
