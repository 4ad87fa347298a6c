using System.Diagnostics;
using System.Globalization;
using CpuMoe.Cli.Commands;
using CpuMoe.Quantization;

namespace CpuMoe.Cli.Terminal;

/// <summary>Says how far a model is quantised: in one line on a terminal, elsewhere now and then in a new one.</summary>
internal sealed class QuantizeProgress(CliConsole console) : IDisposable
{
    private static readonly TimeSpan TerminalInterval = TimeSpan.FromSeconds(0.2);
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(10);

    private readonly StatusLine _line = new(console);
    private readonly long _start = Stopwatch.GetTimestamp();
    private TimeSpan _shown;

    /// <summary>Bytes of the source per second so far.</summary>
    public static string Rate(long bytes, TimeSpan elapsed) =>
        string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6 / Math.Max(elapsed.TotalSeconds, 1e-3):F0} MB/s");

    /// <summary>Shows a state, unless the last one is too fresh.</summary>
    public void Report(QuantizationProgress state)
    {
        TimeSpan elapsed = Stopwatch.GetElapsedTime(_start);
        if (elapsed - _shown < (console.ErrorIsTerminal ? TerminalInterval : LogInterval))
        {
            return;
        }

        _shown = elapsed;
        TimeSpan left = elapsed * ((state.BytesTotal - state.BytesRead) / (double)Math.Max(state.BytesRead, 1));
        string text = string.Create(
            CultureInfo.InvariantCulture,
            $"{Bytes.Display(state.BytesRead)} of {Bytes.Display(state.BytesTotal)}, {Rate(state.BytesRead, elapsed)}, {left:h\\:mm\\:ss} left, {state.Tensor}");
        if (console.ErrorIsTerminal)
        {
            _line.Show(text);
        }
        else
        {
            console.Notice(text);
        }
    }

    /// <summary>Clears the line.</summary>
    public void Dispose() => _line.Dispose();
}
