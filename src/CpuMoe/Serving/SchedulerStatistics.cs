namespace CpuMoe.Serving;

/// <summary>What a scheduler does and did, at one moment.</summary>
public sealed record SchedulerStatistics
{
    /// <summary>Slots in all.</summary>
    public required int Slots { get; init; }

    /// <summary>Generations in slots now.</summary>
    public required int Running { get; init; }

    /// <summary>Generations that wait for a slot now.</summary>
    public required int Waiting { get; init; }

    /// <summary>Prompt tokens evaluated so far.</summary>
    public required long PromptTokens { get; init; }

    /// <summary>Prompt tokens that were still cached, so far.</summary>
    public required long CachedTokens { get; init; }

    /// <summary>Tokens generated so far.</summary>
    public required long GeneratedTokens { get; init; }

    /// <summary>Passes over the weights so far.</summary>
    public required long Passes { get; init; }

    /// <summary>Slots that took part in passes, added up over all passes so far.</summary>
    public required long PassSlots { get; init; }

    /// <summary>The most tokens that a slot has held so far.</summary>
    public required int LongestSequence { get; init; }

    /// <summary>Time spent in passes that evaluated prompts, so far.</summary>
    public required TimeSpan PromptTime { get; init; }

    /// <summary>Time spent in passes that only decoded, so far.</summary>
    public required TimeSpan DecodeTime { get; init; }

    /// <summary>Generations that ended by themselves, so far.</summary>
    public required long Completed { get; init; }

    /// <summary>Generations that ended with a fault, so far.</summary>
    public required long Failed { get; init; }

    /// <summary>Generations that were cancelled or took too long, so far.</summary>
    public required long Cancelled { get; init; }

    /// <summary>Requests refused for want of room in the queue, so far.</summary>
    public required long Rejected { get; init; }
}
