using CpuMoe.Models;

namespace CpuMoe.Serving;

/// <summary>Options of a scheduler.</summary>
public sealed record SchedulerOptions
{
    /// <summary>Generations that run at the same time, 1 or more; each has a KV cache of <see cref="ContextLength"/> tokens.</summary>
    public int Slots { get; init; } = 1;

    /// <summary>Generations that may wait for a slot; more are refused.</summary>
    public int QueueLength { get; init; } = 32;

    /// <summary>The longest time for which a generation waits for a slot; then it fails with a <see cref="TimeLimitException"/>. Null for no limit.</summary>
    public TimeSpan? MaxQueueTime { get; init; }

    /// <summary>
    /// The longest time for which a generation has a slot; then it ends as if its token limit were reached, or fails with
    /// a <see cref="TimeLimitException"/> where it has not begun to answer or its consumer does not read. Null for no limit.
    /// </summary>
    public TimeSpan? MaxSlotTime { get; init; }

    /// <summary>Tokens per slot; 0 means the model's context length, but at most 8192.</summary>
    public int ContextLength { get; init; }

    /// <summary>The number format of the KV caches.</summary>
    public KvType KvType { get; init; } = KvType.F16;

    /// <summary>Tokens of prompts in a pass that also decodes, 1 or more: what running generations wait for at most.</summary>
    public int PromptTokensPerPass { get; init; } = 256;

    /// <summary>The folder in which the KV states of prompts outlive the process; null for none.</summary>
    public string? PromptCacheFolder { get; init; }

    /// <summary>The most bytes that the prompt cache takes on the disk.</summary>
    public long PromptCacheBytes { get; init; } = 8L << 30;

    /// <summary>Told what went wrong with the prompt cache, from any thread; requests are served all the same.</summary>
    public Action<string>? Warn { get; init; }
}
