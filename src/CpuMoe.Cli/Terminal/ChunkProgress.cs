using System.Globalization;
using CpuMoe.Generation;

namespace CpuMoe.Cli.Terminal;

/// <summary>One line on a terminal that says how far a perplexity has come; nothing elsewhere.</summary>
internal sealed class ChunkProgress(CliConsole console, int chunks) : IDisposable
{
    private int _width;

    /// <summary>Shows the value so far.</summary>
    public void Report(PerplexityResult soFar) => Show(string.Create(
        CultureInfo.InvariantCulture, $"chunk {soFar.Chunks} of {chunks}, perplexity so far {soFar.Value:F4}"));

    /// <summary>Clears the line.</summary>
    public void Dispose()
    {
        if (_width > 0)
        {
            console.Error.Write($"\r{new string(' ', _width)}\r");
            _width = 0;
        }
    }

    private void Show(string text)
    {
        if (console.ErrorIsTerminal)
        {
            console.Error.Write($"\r{text.PadRight(_width)}");
            _width = Math.Max(_width, text.Length);
        }
    }
}
