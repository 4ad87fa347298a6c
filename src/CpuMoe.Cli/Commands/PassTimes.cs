using System.Diagnostics;

namespace CpuMoe.Cli.Commands;

/// <summary>The times of a repeated pass over some tokens, made in one step or in one per token.</summary>
/// <param name="tokens">Tokens of a pass.</param>
/// <param name="repetitions">Passes.</param>
/// <param name="steps">Steps of a pass.</param>
internal sealed class PassTimes(int tokens, int repetitions, int steps)
{
    private readonly List<double> _rates = new(repetitions);
    private readonly List<double> _stepMs = new(repetitions * steps);
    private long _start;
    private long _stepStart;

    /// <summary>Tokens per second of each pass.</summary>
    public IReadOnlyList<double> Rates => _rates;

    /// <summary>Milliseconds of each step of all passes.</summary>
    public IReadOnlyList<double> StepMs => _stepMs;

    /// <summary>A pass starts, and with it its first step.</summary>
    public void Start() => _start = _stepStart = Stopwatch.GetTimestamp();

    /// <summary>A step ends and the next one starts.</summary>
    public void Step()
    {
        long now = Stopwatch.GetTimestamp();
        _stepMs.Add(Stopwatch.GetElapsedTime(_stepStart, now).TotalMilliseconds);
        _stepStart = now;
    }

    /// <summary>The pass ended with its last step.</summary>
    public void End() => _rates.Add(tokens / Stopwatch.GetElapsedTime(_start, _stepStart).TotalSeconds);
}
