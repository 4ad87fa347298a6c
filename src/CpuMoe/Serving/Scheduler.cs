using System.Diagnostics;
using CpuMoe.Generation;
using CpuMoe.Grammars;
using CpuMoe.Models;

namespace CpuMoe.Serving;

/// <summary>Runs several generations on one model: they share each pass over the weights.</summary>
/// <remarks>
/// Safe for concurrent use. A generation's tokens do not depend on what else runs: with a fixed seed, or greedily, they
/// are those of a <see cref="Session"/>.
/// </remarks>
public sealed class Scheduler : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly SchedulerOptions _options;
    private readonly SlotSet _slots;
    private readonly SharedPass _pass;
    private readonly LinkedList<GenerationJob> _queue = [];
    private readonly AutoResetEvent _wake = new(false);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Counters _counters = new();
    private CancellationTokenSource _passCancellation = new();
    private bool _isShuttingDown;
    private bool _isAborting;
    private bool _isDisposed;

    /// <summary>Starts the scheduler; the model must outlive it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option out of range.</exception>
    /// <exception cref="Experts.MemoryBudgetException">The memory budget does not leave room for the KV caches.</exception>
    public Scheduler(LanguageModel model, SchedulerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        Model = model;
        _options = options ?? new SchedulerOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.Slots, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(_options.QueueLength, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.PromptTokensPerPass, 1, nameof(options));
        ContextLength = SessionOptions.Positions(_options.ContextLength, model.Model);
        _pass = new SharedPass(model.Model, _options.Slots, _options.PromptTokensPerPass);
        _slots = CreateSlots(model.Model, ContextLength, _options);
        new Thread(Run) { IsBackground = true, Name = "CpuMoe scheduler" }.Start();
    }

    /// <summary>The model.</summary>
    public LanguageModel Model { get; }

    /// <summary>Tokens per slot, prompt and answer together.</summary>
    public int ContextLength { get; }

    /// <summary>What the scheduler does and did.</summary>
    public SchedulerStatistics Statistics
    {
        get
        {
            lock (_gate)
            {
                return _counters.Snapshot(_options.Slots, _options.Slots - _slots.Free, _queue.Count);
            }
        }
    }

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
        SchedulerBusyException? refusal;
        lock (_gate)
        {
            refusal = Refusal();
        }

        if (refusal is not null)
        {
            throw refusal;
        }

        var job = new GenerationJob(this, prompt.ToArray(), new GenerationState(Model.Tokenizer, options, ContextLength));
        job.CancelWith(cancellationToken);
        lock (_gate)
        {
            refusal = Refusal();
            if (refusal is null && job.Stage == JobStage.Waiting)
            {
                _queue.AddLast(job);
            }
        }

        if (refusal is not null)
        {
            job.Complete(refusal);
            throw refusal;
        }

        Wake();
        return job;
    }

    /// <summary>Refuses new requests, lets those that were admitted finish for <paramref name="grace"/>, then cancels them.</summary>
    public async Task ShutDownAsync(TimeSpan grace)
    {
        lock (_gate)
        {
            _isShuttingDown = true;
        }

        Wake();
        try
        {
            await _ended.Task.WaitAsync(grace).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The rest is cancelled.
        }

        CancellationTokenSource pass;
        lock (_gate)
        {
            _isAborting = true;
            pass = _passCancellation;
        }

        await pass.CancelAsync().ConfigureAwait(false);
        Wake();
        await _ended.Task.ConfigureAwait(false);
    }

    /// <summary>Cancels everything at once.</summary>
    public async ValueTask DisposeAsync()
    {
        await ShutDownAsync(TimeSpan.Zero).ConfigureAwait(false);
        lock (_gate)
        {
            if (!_isDisposed)
            {
                _isDisposed = true;
                _slots.Dispose();
            }
        }
    }

    /// <summary>Lets the thread look what there is to do.</summary>
    internal void Wake() => _wake.Set();

    /// <summary>Ends a job, unless it has ended: in the queue at once, in a slot after the pass that runs.</summary>
    internal void Cancel(GenerationJob job, CancellationToken cancellationToken)
    {
        CancellationTokenSource? pass;
        lock (_gate)
        {
            if (job.Stage == JobStage.Ended)
            {
                return;
            }

            _queue.Remove(job);
            job.Stage = JobStage.Ended;
            _counters.Cancelled++;
            pass = IsPassWanted() ? null : _passCancellation;
        }

        // Should the next pass run by now, it is repeated.
        pass?.Cancel();
        job.Complete(new OperationCanceledException(cancellationToken));
        Wake();
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

    /// <summary>Why no request can be admitted now, or null. Called under the lock.</summary>
    private SchedulerBusyException? Refusal()
    {
        if (_isShuttingDown)
        {
            return new SchedulerBusyException("The scheduler shuts down and takes no more requests.", isShuttingDown: true);
        }

        if (_queue.Count < _options.QueueLength + _slots.Free)
        {
            return null;
        }

        _counters.Rejected++;
        return new SchedulerBusyException($"All {_options.Slots} slots are busy and {_queue.Count} requests wait already. Try again later.");
    }

    /// <summary>Whether a job that goes on is in the pass that runs, if one does.</summary>
    private bool IsPassWanted()
    {
        bool isRunning = false;
        foreach (SchedulerSlot slot in _slots.All)
        {
            if (slot.IsInPass && slot.Job is { Stage: JobStage.Running })
            {
                return true;
            }

            isRunning |= slot.IsInPass;
        }

        return !isRunning;
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
        while (true)
        {
            GenerationJob job;
            SchedulerSlot? slot;
            lock (_gate)
            {
                foreach (SchedulerSlot ended in _slots.All)
                {
                    ended.Job = ended.Job is { Stage: JobStage.Ended } ? null : ended.Job;
                }

                if (_isAborting || (_isShuttingDown && _queue.Count == 0 && _slots.Free == _options.Slots))
                {
                    return false;
                }

                if (_queue.First is not { Value: var first } || (slot = _slots.Choose(first.Prompt)) is null)
                {
                    return true;
                }

                job = first;
                _queue.RemoveFirst();
                job.Stage = JobStage.Running;
                slot.Job = job;
            }

            Start(slot, job);
        }
    }

    private void Start(SchedulerSlot slot, GenerationJob job)
    {
        try
        {
            Model.EnsureUsable();
            slot.Start(job.Prompt, _slots.SourceFor(slot, job.Prompt));
            job.Clock.PromptStarted(slot.Cached.Length);
            lock (_gate)
            {
                _counters.CachedTokens += slot.Cached.Length;
            }
        }
        catch (Exception fault)
        {
            End(job, fault);
        }
    }

    private void RunPass()
    {
        CancellationToken cancellation = BeginPass();
        long start = Stopwatch.GetTimestamp();
        Exception? fault = null;
        try
        {
            _pass.Run(cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            EndPass(start, isComplete: false);
            return;
        }
        catch (Exception failure)
        {
            fault = failure;
        }

        EndPass(start, isComplete: fault is null);
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
        if (logits.IsEmpty)
        {
            return;
        }

        if (slot.Cached.Length == job.Prompt.Length)
        {
            job.Clock.PromptEnded();
        }

        try
        {
            GenerationUpdate update = slot.Next(logits);
            job.Publish(update);
            if (update.FinishReason != FinishReason.None)
            {
                End(job, null);
            }
        }
        catch (Exception fault)
        {
            // A grammar that is too ambiguous, logits that are no numbers.
            End(job, fault);
        }
    }

    private CancellationToken BeginPass()
    {
        lock (_gate)
        {
            if (_passCancellation.IsCancellationRequested && !_isAborting)
            {
                _passCancellation = new CancellationTokenSource();
            }

            foreach (SchedulerSlot slot in _pass.Slots)
            {
                slot.IsInPass = true;
            }

            return _passCancellation.Token;
        }
    }

    private void EndPass(long start, bool isComplete)
    {
        TimeSpan time = Stopwatch.GetElapsedTime(start);
        lock (_gate)
        {
            foreach (SchedulerSlot slot in _pass.Slots)
            {
                slot.IsInPass = false;
            }

            if (isComplete)
            {
                _counters.AddPass(_pass, time);
            }
        }
    }

    /// <summary>Ends a job, unless it has ended: complete, or with a fault.</summary>
    private void End(GenerationJob job, Exception? fault)
    {
        lock (_gate)
        {
            if (job.Stage == JobStage.Ended)
            {
                return;
            }

            job.Stage = JobStage.Ended;
            _counters.Completed += fault is null ? 1 : 0;
            _counters.Failed += fault is null ? 0 : 1;
        }

        job.Complete(fault);
    }

    /// <summary>Ends what is left when the thread ends.</summary>
    private void End(Exception? fault)
    {
        GenerationJob[] left;
        lock (_gate)
        {
            _isShuttingDown = _isAborting = true;
            left = [.. _slots.All.ToArray().Select(slot => slot.Job).OfType<GenerationJob>(), .. _queue];
        }

        foreach (GenerationJob job in left)
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

        lock (_gate)
        {
            _queue.Clear();
            foreach (SchedulerSlot slot in _slots.All)
            {
                slot.Job = null;
            }
        }

        _ended.SetResult();
    }
}
