using CpuMoe.Generation;
using CpuMoe.Models;

namespace CpuMoe.Serving;

/// <summary>One of the sequences that a scheduler evaluates side by side. Used by the scheduler's thread only.</summary>
internal sealed class SchedulerSlot(KvCache cache) : IDisposable
{
    // The first Cache.Length are evaluated: written before they are, counted by the cache alone, so that the two agree
    // whatever a pass ends with.
    private readonly int[] _tokens = new int[cache.Capacity];
    private int _count;
    private volatile int _version;
    private Task<int>? _loading;

    /// <summary>The keys and values.</summary>
    public KvCache Cache => cache;

    /// <summary>What runs here; null in a free slot. Changed under the scheduler's lock.</summary>
    public GenerationJob? Job { get; set; }

    /// <summary>Whether the pass that runs evaluates tokens of this slot. Changed under the scheduler's lock.</summary>
    public bool IsInPass { get; set; }

    /// <summary>Grows with each job; 0 before the first.</summary>
    public long LastUsed { get; set; }

    /// <summary>Changes before positions that are cached may be written again.</summary>
    public int Version => _version;

    /// <summary>Whether keys and values are being loaded; the slot cannot be used for anything else meanwhile.</summary>
    public bool IsLoading => _loading is not null;

    /// <summary>The tokens whose keys and values are cached.</summary>
    public ReadOnlySpan<int> Cached => _tokens.AsSpan(0, cache.Length);

    /// <summary>The tokens of the sequence that are not evaluated yet.</summary>
    public ReadOnlySpan<int> Pending => _tokens.AsSpan(cache.Length, _count - cache.Length);

    /// <summary>Whether the pending tokens are of the prompt.</summary>
    public bool IsInPrompt => cache.Length < Job!.Prompt.Length;

    /// <summary>How many tokens at the start of a prompt are cached here; the last one is always evaluated, as its logits are not kept.</summary>
    public int Common(ReadOnlySpan<int> prompt) => Cached.CommonPrefixLength(prompt[..^1]);

    /// <summary>Takes a prompt up; its first tokens come from the cache of <paramref name="source"/>, which may be this slot; from none where it is null.</summary>
    public void Start(ReadOnlySpan<int> prompt, SchedulerSlot? source)
    {
        int common = source?.Common(prompt) ?? 0;
        _version++;
        if (source is null || source == this)
        {
            cache.Truncate(common);
        }
        else
        {
            cache.CopyPrefix(source.Cache, common);
        }

        prompt.CopyTo(_tokens);
        _count = prompt.Length;
    }

    /// <summary>Loads more of the prompt from the disk, beside the scheduler's thread.</summary>
    /// <param name="promptCache">Where from.</param>
    /// <param name="ended">Called when <see cref="TryEndLoading"/> has something to do.</param>
    public void BeginLoading(PromptCache promptCache, Action ended)
    {
        GenerationJob job = Job!;
        int first = cache.Length / PromptBlock.Length * PromptBlock.Length;
        cache.Truncate(first);
        _loading = Task.Run(() => promptCache.Load(job.Prompt, cache, first, () => job.Stage == JobStage.Running));
        _loading.ContinueWith(_ => ended(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Takes over what was loaded, where loading has come to an end.</summary>
    public bool TryEndLoading() => _loading is { IsCompleted: true } && EndLoading();

    /// <summary>Waits for the end of the loading, if any.</summary>
    public bool EndLoading()
    {
        if (_loading is null)
        {
            return false;
        }

        Task<int> loading = _loading;
        loading.Wait();
        _loading = null;
        cache.Append(loading.Result);
        return true;
    }

    /// <summary>Chooses the token behind those that are evaluated.</summary>
    /// <param name="logits">The logits of the last one.</param>
    public GenerationUpdate Next(Span<float> logits)
    {
        GenerationUpdate update = Job!.State.Next(logits, Cached, Job.IsOverTime);
        Job.Clock.TokenChosen();
        if (update.FinishReason == FinishReason.None)
        {
            _tokens[_count++] = update.TokenId;
        }

        return update;
    }

    /// <summary>What the slot does. For any thread, under the scheduler's lock.</summary>
    /// <param name="number">The number of the slot.</param>
    public SlotState StateAs(int number)
    {
        GenerationTimings? timings = Job?.Timings;
        return new SlotState
        {
            Slot = number,
            Job = Job?.Number,
            HeldTokens = cache.Length,
            PromptTokens = timings?.PromptTokens ?? 0,
            GeneratedTokens = timings?.GeneratedTokens ?? 0,
            RemainingTokens = Job?.State.Remaining(Job.Prompt.Length) ?? 0,
        };
    }

    public void Dispose() => cache.Dispose();
}
