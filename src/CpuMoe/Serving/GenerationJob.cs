using System.Threading.Channels;
using CpuMoe.Generation;

namespace CpuMoe.Serving;

/// <summary>A generation that a <see cref="Scheduler"/> has admitted. Enumerate it once; disposing it stops the work.</summary>
/// <remarks>
/// The enumeration throws <see cref="OperationCanceledException"/> where it is cancelled, <see cref="TimeLimitException"/>
/// where it takes too long, and what the engine throws where the pass fails. A consumer that falls far behind holds up its own generation only.
/// </remarks>
public sealed class GenerationJob : IAsyncEnumerable<GenerationUpdate>, IAsyncDisposable
{
    /// <summary>Updates that may wait for the consumer.</summary>
    internal const int BufferLength = 128;

    private readonly Scheduler _scheduler;
    private readonly GenerationClock _clock;
    private readonly List<TokenLogprobs?> _promptLogprobs = [];
    private readonly Channel<GenerationUpdate> _updates = Channel.CreateBounded<GenerationUpdate>(new BoundedChannelOptions(BufferLength) { SingleReader = true });
    private CancellationTokenRegistration _registration;
    private Timer? _limit;
    private int _enumerations;
    private volatile bool _isHeldUp;

    internal GenerationJob(Scheduler scheduler, int[] prompt, GenerationState state, GenerationOptions options)
    {
        _scheduler = scheduler;
        _clock = new GenerationClock(prompt.Length);
        Prompt = prompt;
        State = state;
        Client = options.Client;
        ReadsPrompt = options.PromptLogprobs;
    }

    /// <summary>Counts and times so far.</summary>
    public GenerationTimings Timings => _clock.Snapshot();

    /// <summary>
    /// How likely the tokens of the prompt were, where <see cref="GenerationOptions.PromptLogprobs"/> asks for it; null for
    /// the first. Complete when the first update comes; not to be read before.
    /// </summary>
    public IReadOnlyList<TokenLogprobs?> PromptLogprobs => _promptLogprobs;

    internal int[] Prompt { get; }

    /// <summary>Whether <see cref="PromptLogprobs"/> are wanted.</summary>
    internal bool ReadsPrompt { get; }

    /// <summary>Counts the jobs of the scheduler from 1; set when it is admitted.</summary>
    internal long Number { get; set; }

    /// <summary>Who asks.</summary>
    internal string? Client { get; }

    /// <summary>When it is the job's turn among those that wait; guarded by the scheduler's lock.</summary>
    internal long Turn { get; set; }

    /// <summary>Whether it must end with its next token; set under the scheduler's lock.</summary>
    internal bool IsOverTime { get; set; }

    /// <summary>Whether it may be long until its next token: it has none yet, or nobody reads them.</summary>
    internal bool IsStuck => _isHeldUp || _clock.Snapshot().GeneratedTokens == 0;

    internal GenerationState State { get; }

    internal GenerationClock Clock => _clock;

    /// <summary>Where the job is; guarded by the scheduler's lock.</summary>
    internal JobStage Stage { get; set; }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">While enumerating: it was enumerated before.</exception>
    public async IAsyncEnumerator<GenerationUpdate> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Increment(ref _enumerations) > 1)
        {
            throw new InvalidOperationException("A generation can be enumerated once; submit the request again.");
        }

        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(Cancel, this);
        try
        {
            while (await _updates.Reader.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false))
            {
                while (_updates.Reader.TryRead(out GenerationUpdate update))
                {
                    if (_isHeldUp)
                    {
                        _isHeldUp = false;
                        _scheduler.Wake();
                    }

                    yield return update;
                }
            }
        }
        finally
        {
            _scheduler.Cancel(this, CancellationToken.None);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _scheduler.Cancel(this, CancellationToken.None);
        return ValueTask.CompletedTask;
    }

    /// <summary>Cancels with a token. Called once, before the job is admitted.</summary>
    internal void CancelWith(CancellationToken cancellationToken) => _registration = cancellationToken.UnsafeRegister(Cancel, this);

    /// <summary>Limits the time in a stage, no longer that in the one before; null for no limit.</summary>
    internal void LimitTime(JobStage stage, TimeSpan? limit)
    {
        _limit?.Dispose();
        _limit = limit is { } time ? new Timer(_ => _scheduler.EndTime(this, stage, time), null, time, Timeout.InfiniteTimeSpan) : null;
    }

    /// <summary>Whether there is room for another update; if not, the scheduler is woken when there is.</summary>
    internal bool HasRoom()
    {
        if (_updates.Reader.Count < BufferLength)
        {
            return true;
        }

        _isHeldUp = true;
        Interlocked.MemoryBarrier();
        return _updates.Reader.Count < BufferLength;
    }

    /// <summary>Notes how likely the next tokens of the prompt were.</summary>
    /// <param name="logits">Rows of logits, each of which tells of the token behind it.</param>
    /// <param name="length">The length of a row.</param>
    internal void ReadPrompt(ReadOnlySpan<float> logits, int length)
    {
        if (_promptLogprobs.Count == 0)
        {
            _promptLogprobs.Add(null);
        }

        // The last row is that of the token that is to be chosen.
        for (; !logits.IsEmpty && _promptLogprobs.Count < Prompt.Length; logits = logits[length..])
        {
            _promptLogprobs.Add(State.LogprobsOf(logits[..length], Prompt[_promptLogprobs.Count]));
        }
    }

    /// <summary>Hands an update to the consumer; there must be room, unless the job is cancelled.</summary>
    internal void Publish(in GenerationUpdate update) => _updates.Writer.TryWrite(update);

    /// <summary>Ends the enumeration, after what is still to be read.</summary>
    internal void Complete(Exception? fault)
    {
        _registration.Unregister();
        _limit?.Dispose();
        _updates.Writer.TryComplete(fault);
    }

    private static void Cancel(object? job, CancellationToken cancellationToken)
    {
        var self = (GenerationJob)job!;
        self._scheduler.Cancel(self, cancellationToken);
    }
}

/// <summary>Where a job is.</summary>
internal enum JobStage
{
    /// <summary>In the queue.</summary>
    Waiting,

    /// <summary>In a slot.</summary>
    Running,

    /// <summary>Complete, failed or cancelled. It may still be in a slot, which is free when the pass is over.</summary>
    Ended,
}
