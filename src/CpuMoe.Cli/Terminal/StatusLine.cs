namespace CpuMoe.Cli.Terminal;

/// <summary>One line on a terminal that is written over and over; nothing elsewhere.</summary>
internal sealed class StatusLine(CliConsole console) : IDisposable
{
    private int _width;

    /// <summary>Replaces the text.</summary>
    public void Show(string text)
    {
        if (console.ErrorIsTerminal)
        {
            console.Error.Write($"\r{text.PadRight(_width)}");
            _width = Math.Max(_width, text.Length);
        }
    }

    /// <summary>Clears the line.</summary>
    public void Dispose()
    {
        if (_width > 0)
        {
            console.Error.Write($"\r{new string(' ', _width)}\r");
            _width = 0;
        }
    }
}
