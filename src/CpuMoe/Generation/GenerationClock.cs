using System.Diagnostics;

namespace CpuMoe.Generation;

/// <summary>Takes the counts and times of one generation while it runs; a snapshot is valid at any moment.</summary>
internal sealed class GenerationClock(int promptTokens)
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private int _cached;
    private int _generated;
    private long _slotTaken;
    private long _promptStart;
    private long _promptEnd;
    private long _firstToken;
    private long _lastToken;

    /// <summary>A slot is free for the generation, which has waited until now.</summary>
    public void SlotTaken() => _slotTaken = Stopwatch.GetTimestamp();

    /// <summary>Work on the prompt begins.</summary>
    /// <param name="cachedTokens">Tokens of the prompt that need not be evaluated.</param>
    public void PromptStarted(int cachedTokens)
    {
        _cached = cachedTokens;
        _promptStart = Stopwatch.GetTimestamp();
    }

    public void PromptEnded() => _promptEnd = Stopwatch.GetTimestamp();

    public void TokenChosen()
    {
        _lastToken = Stopwatch.GetTimestamp();
        if (_generated++ == 0)
        {
            _firstToken = _lastToken;
        }
    }

    public GenerationTimings Snapshot() => new(
        promptTokens,
        _cached,
        _generated,
        Between(_promptStart, _promptEnd),
        Between(_promptEnd, _lastToken),
        Between(_start, _firstToken),
        Between(_start, _slotTaken));

    // 0 stands for a moment that has not come.
    private static TimeSpan Between(long from, long to) => to == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(from, to);
}
