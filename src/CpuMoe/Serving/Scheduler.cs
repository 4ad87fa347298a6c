using System.Diagnostics;
using System.Globalization;
using CpuMoe.Generation;
using CpuMoe.Grammars;
using CpuMoe.Models;

namespace CpuMoe.Serving;

/// <summary>Runs several generations on one model: they share each pass over the weights.</summary>
/// <remarks>
/// Safe for concurrent use. A generation's tokens do not depend on what else runs, nor on where the beginning of its
/// prompt was found: with a fixed seed, or greedily, they are those of a <see cref="Session"/>. One thing can move a logit
/// by rounding: where a prompt contains an answer that was generated here, its keys and values are those of decoding, not
/// of a prompt that is evaluated anew.
/// </remarks>
public sealed class Scheduler : IAsyncDisposable
{
    private static readonly TimeSpan LongestTime = TimeSpan.FromDays(24);

    private readonly SchedulerOptions _options;
    private readonly SlotSet _slots;
    private readonly Admission _admission;
    private readonly SharedPass _pass;
    private readonly PromptCache? _promptCache;
    private readonly AutoResetEvent _wake = new(false);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _disposals;

    /// <summary>Starts the scheduler; the model must outlive it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option out of range.</exception>
    /// <exception cref="Experts.MemoryBudgetException">The memory budget does not leave room for the KV caches.</exception>
    /// <exception cref="IOException">The folder of the prompt cache cannot be used.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder of the prompt cache cannot be used.</exception>
    public Scheduler(LanguageModel model, SchedulerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        Model = model;
        _options = options ?? new SchedulerOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.Slots, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(_options.QueueLength, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.PromptTokensPerPass, 1, nameof(options));
        foreach (TimeSpan? limit in (TimeSpan?[])[_options.MaxQueueTime, _options.MaxSlotTime])
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit ?? LongestTime, TimeSpan.Zero, nameof(options));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(limit ?? LongestTime, LongestTime, nameof(options));
        }

        ContextLength = SessionOptions.Positions(_options.ContextLength, model.Model);
        _pass = new SharedPass(model.Model, _options.Slots, _options.PromptTokensPerPass);
        if (_options.PromptCacheFolder is { } folder)
        {
            _promptCache = new PromptCache(model, _options.KvType, folder, _options.PromptCacheBytes, _options.Warn ?? (_ => { }));
        }

        _slots = CreateSlots(model.Model, ContextLength, _options);
        _admission = new Admission(_options, _slots);
        new Thread(Run) { IsBackground = true, Name = "CpuMoe scheduler" }.Start();
    }

    /// <summary>The model.</summary>
    public LanguageModel Model { get; }

    /// <summary>Tokens per slot, prompt and answer together.</summary>
    public int ContextLength { get; }

    /// <summary>What the scheduler does and did.</summary>
    public SchedulerStatistics Statistics => _admission.Statistics;

    /// <summary>What each slot does now.</summary>
    public IReadOnlyList<SlotState> Slots => _admission.Slots;

    /// <summary>Checks a request and admits it to the queue; the work begins when a slot is free.</summary>
    /// <exception cref="PromptTooLongException">No room for an answer.</exception>
    /// <exception cref="SchedulerBusyException">The queue is full, or the scheduler shuts down.</exception>
    /// <exception cref="GrammarException">The grammar cannot be used.</exception>
    /// <exception cref="ArgumentException">An empty prompt, an id out of range, or an option out of range.</exception>
    public GenerationJob Submit(ReadOnlyMemory<int> prompt, GenerationOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        Model.EnsureUsable();
        GenerationState.CheckPrompt(prompt.Span, Model.Tokenizer.Vocabulary);
        if (prompt.Length >= ContextLength)
        {
            throw new PromptTooLongException(prompt.Length, ContextLength);
        }

        options.Validate(Model.Tokenizer);
        _admission.EnsureOpen(); // Before the work of preparing it.
        var job = new GenerationJob(this, prompt.ToArray(), new GenerationState(Model.Tokenizer, options, ContextLength), options);
        job.CancelWith(cancellationToken);
        try
        {
            _admission.Add(job);
        }
        catch (SchedulerBusyException fault)
        {
            job.Complete(fault);
            throw;
        }

        Wake();
        return job;
    }

    /// <summary>Refuses new requests, lets those that were admitted finish for <paramref name="grace"/>, then cancels them. What is to be kept of prompts is written in this time, too.</summary>
    public async Task ShutDownAsync(TimeSpan grace)
    {
        _admission.Close();
        Wake();
        long start = Stopwatch.GetTimestamp();
        try
        {
            await _ended.Task.WaitAsync(grace).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The rest is cancelled.
        }

        _admission.Abort();
        Wake();
        await _ended.Task.ConfigureAwait(false);
        if (_promptCache is not null)
        {
            TimeSpan left = grace - Stopwatch.GetElapsedTime(start);
            await _promptCache.EndAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero).ConfigureAwait(false);
        }
    }

    /// <summary>Cancels everything at once.</summary>
    public async ValueTask DisposeAsync()
    {
        await ShutDownAsync(TimeSpan.Zero).ConfigureAwait(false);
        if (Interlocked.Increment(ref _disposals) == 1)
        {
            _slots.Dispose();
            _admission.Dispose();
        }
    }

    /// <summary>Lets the thread look what there is to do.</summary>
    internal void Wake() => _wake.Set();

    /// <summary>Ends a job, unless it has ended: in the queue at once, in a slot after the pass that runs.</summary>
    internal void Cancel(GenerationJob job, CancellationToken cancellationToken) => Cancel(job, new OperationCanceledException(cancellationToken));

    /// <summary>Ends a job that has been in a stage for as long as it may.</summary>
    internal void EndTime(GenerationJob job, JobStage stage, TimeSpan limit)
    {
        if (_admission.EndTime(job, stage))
        {
            bool isInQueue = stage == JobStage.Waiting;
            string what = isInQueue ? "No slot was free for" : "The generation was not done after";
            Cancel(job, new TimeLimitException(string.Create(CultureInfo.InvariantCulture, $"{what} {limit.TotalSeconds:0.###} seconds."), isInQueue));
        }
    }

    private static SlotSet CreateSlots(Model model, int contextLength, SchedulerOptions options)
    {
        var slots = new List<SchedulerSlot>();
        try
        {
            while (slots.Count < options.Slots)
            {
                slots.Add(new SchedulerSlot(model.CreateCache(contextLength, options.KvType)));
            }

            return new SlotSet([.. slots]);
        }
        catch
        {
            slots.ForEach(slot => slot.Dispose());
            throw;
        }
    }

    private void Run()
    {
        Exception? fault = null;
        try
        {
            while (Admit())
            {
                _pass.Plan(_slots.All);
                if (_pass.Count == 0)
                {
                    _wake.WaitOne();
                }
                else
                {
                    RunPass();
                }
            }
        }
        catch (Exception bug)
        {
            // Nobody else would hear of it; the jobs must not wait for ever.
            fault = bug;
        }
        finally
        {
            End(fault);
        }
    }

    /// <summary>Frees the slots of jobs that have ended and fills free ones from the queue; false when the scheduler has to end.</summary>
    private bool Admit()
    {
        foreach (SchedulerSlot slot in _slots.All)
        {
            if (slot.TryEndLoading())
            {
                BeginPrompt(slot, slot.Job!);
            }
        }

        while (_admission.FreeSlots())
        {
            if (_admission.FillSlot() is not { } slot)
            {
                return true;
            }

            Start(slot, slot.Job!);
        }

        return false;
    }

    private void Start(SchedulerSlot slot, GenerationJob job)
    {
        try
        {
            Model.EnsureUsable();
            slot.Start(job.Prompt, job.ReadsPrompt ? null : _slots.SourceFor(slot, job.Prompt));
            if (!job.ReadsPrompt && _promptCache?.StoredTokens(job.Prompt) > slot.Cached.Length)
            {
                slot.BeginLoading(_promptCache, Wake);
            }
            else
            {
                BeginPrompt(slot, job);
            }
        }
        catch (Exception fault)
        {
            End(job, fault);
        }
    }

    private void BeginPrompt(SchedulerSlot slot, GenerationJob job)
    {
        job.Clock.PromptStarted(slot.Cached.Length);
        _admission.CountCached(slot.Cached.Length);
    }

    private void RunPass()
    {
        CancellationToken cancellation = _admission.BeginPass(_pass);
        long start = Stopwatch.GetTimestamp();
        Exception? fault = null;
        try
        {
            _pass.Run(cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            _admission.EndPass(_pass, start, isComplete: false);
            return;
        }
        catch (Exception failure)
        {
            fault = failure;
        }

        _admission.EndPass(_pass, start, isComplete: fault is null);
        for (int i = 0; i < _pass.Count; i++)
        {
            if (fault is null)
            {
                Proceed(_pass.Slots[i].Job!, _pass.Slots[i], _pass.LogitsOf(i));
            }
            else
            {
                End(_pass.Slots[i].Job!, fault);
            }
        }
    }

    private void Proceed(GenerationJob job, SchedulerSlot slot, Span<float> logits)
    {
        if (job.ReadsPrompt && slot.Cached.Length <= job.Prompt.Length)
        {
            job.ReadPrompt(logits, Model.Model.VocabularySize);
        }

        if (slot.IsInPrompt)
        {
            return;
        }

        if (slot.Cached.Length == job.Prompt.Length)
        {
            job.Clock.PromptEnded();
            _promptCache?.Save(slot);
        }

        try
        {
            GenerationUpdate update = slot.Next(logits);
            if (update.FinishReason == FinishReason.None)
            {
                job.Publish(update);
                return;
            }

            // Complete before its consumer can know: who has read the last update and leaves cancels nothing.
            _promptCache?.Save(slot);
            if (_admission.End(job, isFailed: false))
            {
                job.Publish(update);
                job.Complete(null);
            }
        }
        catch (Exception fault)
        {
            // A grammar that is too ambiguous, logits that are no numbers.
            End(job, fault);
        }
    }

    private void Cancel(GenerationJob job, Exception fault)
    {
        if (_admission.Cancel(job))
        {
            job.Complete(fault);
            Wake();
        }
    }

    /// <summary>Ends a job, unless it has ended: complete, or with a fault.</summary>
    private void End(GenerationJob job, Exception? fault)
    {
        if (_admission.End(job, isFailed: fault is not null))
        {
            job.Complete(fault);
        }
    }

    /// <summary>Ends what is left when the thread ends.</summary>
    private void End(Exception? fault)
    {
        _admission.Abort();
        foreach (GenerationJob job in _admission.All())
        {
            if (fault is null)
            {
                Cancel(job, CancellationToken.None);
            }
            else
            {
                End(job, fault);
            }
        }

        foreach (SchedulerSlot slot in _slots.All)
        {
            slot.EndLoading();
        }

        _admission.FreeSlots();
        _ended.SetResult();
    }
}
