using System.Diagnostics;
using System.Globalization;
using CpuMoe.Cli.Commands;

namespace CpuMoe.Synth;

/// <summary>Tells how much of a model is written.</summary>
internal sealed class WriteProgress(TextWriter output, long totalBytes, CancellationToken cancellation)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly long _start = Stopwatch.GetTimestamp();
    private TimeSpan _shown;
    private long _bytes;

    /// <summary>Counts bytes; throws when the work is cancelled.</summary>
    public void Add(int bytes)
    {
        cancellation.ThrowIfCancellationRequested();
        _bytes += bytes;
        TimeSpan elapsed = Stopwatch.GetElapsedTime(_start);
        if (elapsed - _shown >= Interval)
        {
            _shown = elapsed;
            output.WriteLine($"{Bytes.Display(_bytes)} of {Bytes.Display(totalBytes)}");
        }
    }

    /// <summary>Tells that the model is whole.</summary>
    public void End(string path)
    {
        double seconds = Stopwatch.GetElapsedTime(_start).TotalSeconds;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"wrote {path}: {Bytes.Display(_bytes)} in {seconds:F1} s, {Bytes.Display((long)(_bytes / seconds))}/s"));
    }
}
