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
        Show("");
        _width = 0;
    }

    private void Show(string text)
    {
        if (console.ErrorIsTerminal && text.Length + _width > 0)
        {
            console.Error.Write($"\r{text.PadRight(_width)}\r{text}");
            _width = text.Length;
        }
    }
}
