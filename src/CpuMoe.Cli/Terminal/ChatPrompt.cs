namespace CpuMoe.Cli.Terminal;

/// <summary>
/// Reads the lines of a chat. Between replies the first Ctrl-C is a warning, a second one before the next line ends the
/// process.
/// </summary>
internal sealed class ChatPrompt : IDisposable
{
    private const string Message = "> ";

    // On Windows a line that Ctrl-C broke off looks like the end of the input, and may do so before the handler ran.
    private static readonly TimeSpan InterruptDelay = TimeSpan.FromMilliseconds(100);

    private readonly CliConsole _console;
    private readonly IDisposable _interruption;
    private int _interrupts;
    private string _prompt = Message;

    /// <summary>Takes interrupts, except while a reply takes them, until disposed.</summary>
    public ChatPrompt(CliConsole console)
    {
        _console = console;
        _interruption = console.Interrupts.HandleWith(OnInterrupt);
    }

    /// <summary>The next line; null at the end of the input.</summary>
    /// <param name="prompt">What a terminal shows before it.</param>
    public string? ReadLine(string prompt = Message)
    {
        _prompt = prompt;
        while (true)
        {
            ShowPrompt();
            int before = Volatile.Read(ref _interrupts);
            if (_console.In.ReadLine() is { } line)
            {
                Volatile.Write(ref _interrupts, 0);
                return line;
            }

            if (OperatingSystem.IsWindows() && _console.InIsTerminal)
            {
                Thread.Sleep(InterruptDelay);
            }

            if (Volatile.Read(ref _interrupts) == before)
            {
                if (_console.InIsTerminal)
                {
                    _console.Error.WriteLine();
                }

                return null;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _interruption.Dispose();

    private bool OnInterrupt()
    {
        if (Interlocked.Increment(ref _interrupts) > 1)
        {
            return false;
        }

        _console.Error.WriteLine();
        _console.Notice("Ctrl-C again or /exit leaves");
        if (!OperatingSystem.IsWindows())
        {
            ShowPrompt();
        }

        return true;
    }

    private void ShowPrompt()
    {
        if (_console.InIsTerminal)
        {
            _console.Error.Write(_prompt);
        }
    }
}
