namespace CpuMoe.Cli.Terminal;

/// <summary>Reads the lines of a chat. At the prompt the first Ctrl-C is a warning, the second one ends the process.</summary>
internal sealed class ChatPrompt(CliConsole console)
{
    // On Windows a line that Ctrl-C broke off looks like the end of the input, and may do so before the handler ran.
    private static readonly TimeSpan InterruptDelay = TimeSpan.FromMilliseconds(100);

    private volatile int _interrupts;

    /// <summary>The next line; null at the end of the input.</summary>
    public string? ReadLine()
    {
        _interrupts = 0;
        using IDisposable interruption = console.Interrupts.HandleWith(OnInterrupt);
        while (true)
        {
            ShowPrompt();
            int before = _interrupts;
            if (console.In.ReadLine() is { } line)
            {
                return line;
            }

            if (OperatingSystem.IsWindows() && console.InIsTerminal)
            {
                Thread.Sleep(InterruptDelay);
            }

            if (_interrupts == before)
            {
                if (console.InIsTerminal)
                {
                    console.Error.WriteLine();
                }

                return null;
            }
        }
    }

    private bool OnInterrupt()
    {
        if (++_interrupts > 1)
        {
            return false;
        }

        console.Error.WriteLine();
        console.Notice("Ctrl-C again or /exit leaves");
        if (!OperatingSystem.IsWindows())
        {
            ShowPrompt();
        }

        return true;
    }

    private void ShowPrompt()
    {
        if (console.InIsTerminal)
        {
            console.Error.Write("> ");
        }
    }
}
