namespace CpuMoe.Serving;

/// <summary>The running totals of a scheduler; guarded by its lock.</summary>
internal sealed class Counters
{
    private long _promptTokens;
    private long _generatedTokens;
    private long _passes;
    private long _passSlots;
    private int _longestSequence;
    private TimeSpan _promptTime;
    private TimeSpan _decodeTime;

    public long CachedTokens { get; set; }

    public long Completed { get; set; }

    public long Failed { get; set; }

    public long Cancelled { get; set; }

    public long Rejected { get; set; }

    /// <summary>Counts a pass that has run.</summary>
    public void AddPass(SharedPass pass, TimeSpan time)
    {
        _passes++;
        _passSlots += pass.Count;
        foreach (SchedulerSlot slot in pass.Slots)
        {
            _longestSequence = Math.Max(_longestSequence, slot.Cached.Length);
        }

        _promptTokens += pass.PromptTokens;
        _generatedTokens += pass.ChosenTokens;
        if (pass.PromptTokens > 0)
        {
            _promptTime += time;
        }
        else
        {
            _decodeTime += time;
        }
    }

    public SchedulerStatistics Snapshot(int slots, int running, int waiting) => new()
    {
        Slots = slots,
        Running = running,
        Waiting = waiting,
        PromptTokens = _promptTokens,
        CachedTokens = CachedTokens,
        GeneratedTokens = _generatedTokens,
        Passes = _passes,
        PassSlots = _passSlots,
        LongestSequence = _longestSequence,
        PromptTime = _promptTime,
        DecodeTime = _decodeTime,
        Completed = Completed,
        Failed = Failed,
        Cancelled = Cancelled,
        Rejected = Rejected,
    };
}
