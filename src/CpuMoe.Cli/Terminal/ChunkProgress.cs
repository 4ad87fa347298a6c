using System.Globalization;
using CpuMoe.Generation;

namespace CpuMoe.Cli.Terminal;

/// <summary>Says on a terminal how far a perplexity has come.</summary>
internal sealed class ChunkProgress(CliConsole console, int chunks) : IDisposable
{
    private readonly StatusLine _line = new(console);

    /// <summary>Shows the value so far.</summary>
    public void Report(PerplexityResult soFar) => _line.Show(string.Create(
        CultureInfo.InvariantCulture, $"chunk {soFar.Chunks} of {chunks}, perplexity so far {soFar.Value:F4}"));

    /// <summary>Clears the line.</summary>
    public void Dispose() => _line.Dispose();
}
