using System.Diagnostics;

namespace CpuMoe.Serving;

/// <summary>
/// Which jobs wait, run and have ended: what the callers of a <see cref="Scheduler"/> and its thread share. Safe for
/// concurrent use; slots are given and taken by the scheduler's thread alone.
/// </summary>
internal sealed class Admission(SchedulerOptions options, SlotSet slots) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly LinkedList<GenerationJob> _queue = [];
    private readonly Counters _counters = new();
    private CancellationTokenSource _pass = new();
    private long _admitted;
    private long _turn;
    private bool _isClosed;
    private bool _isAborted;

    /// <summary>Counts, at one moment.</summary>
    public SchedulerStatistics Statistics
    {
        get
        {
            lock (_gate)
            {
                return _counters.Snapshot(options.Slots, options.Slots - slots.Free, _queue.Count);
            }
        }
    }

    /// <summary>What the slots do, at one moment.</summary>
    public SlotState[] Slots
    {
        get
        {
            lock (_gate)
            {
                return [.. slots.All.ToArray().Select((slot, number) => slot.StateAs(number))];
            }
        }
    }

    /// <summary>Throws where no job can be admitted now.</summary>
    /// <exception cref="SchedulerBusyException">Says why.</exception>
    public void EnsureOpen()
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                throw new SchedulerBusyException("The scheduler shuts down and takes no more requests.", isShuttingDown: true);
            }

            if (_queue.Count >= options.QueueLength + slots.Free)
            {
                _counters.Rejected++;
                throw new SchedulerBusyException($"All {options.Slots} slots are busy and {_queue.Count} requests wait already. Try again later.");
            }
        }
    }

    /// <summary>Puts a job into the queue, unless it is cancelled.</summary>
    /// <exception cref="SchedulerBusyException">As <see cref="EnsureOpen"/>.</exception>
    public void Add(GenerationJob job)
    {
        lock (_gate)
        {
            EnsureOpen();
            if (job.Stage == JobStage.Waiting)
            {
                job.Number = ++_admitted;
                job.LimitTime(JobStage.Waiting, options.MaxQueueTime);
                Enqueue(job);
            }
        }
    }

    /// <summary>Cancels a job and ends the pass that runs, if nobody needs it any more; false where the job has ended.</summary>
    public bool Cancel(GenerationJob job)
    {
        CancellationTokenSource? pass;
        lock (_gate)
        {
            if (job.Stage == JobStage.Ended)
            {
                return false;
            }

            _queue.Remove(job);
            job.Stage = JobStage.Ended;
            _counters.Cancelled++;
            pass = IsPassWanted() ? null : _pass;
        }

        // Should the next pass run by now, it is repeated.
        pass?.Cancel();
        return true;
    }

    /// <summary>Notes that the time of a job in a stage is over: if it answers by now, it ends with its next token.</summary>
    /// <returns>Whether it is to be cancelled instead.</returns>
    public bool EndTime(GenerationJob job, JobStage stage)
    {
        lock (_gate)
        {
            if (job.Stage != stage)
            {
                return false;
            }

            job.IsOverTime = stage == JobStage.Running && !job.IsStuck;
            return !job.IsOverTime;
        }
    }

    /// <summary>Notes that a job is complete, or has failed; false where it has ended before.</summary>
    public bool End(GenerationJob job, bool isFailed)
    {
        lock (_gate)
        {
            if (job.Stage == JobStage.Ended)
            {
                return false;
            }

            job.Stage = JobStage.Ended;
            _counters.Completed += isFailed ? 0 : 1;
            _counters.Failed += isFailed ? 1 : 0;
            return true;
        }
    }

    /// <summary>Takes no more jobs.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
        }
    }

    /// <summary>Takes no more jobs and ends the pass that runs.</summary>
    public void Abort()
    {
        CancellationTokenSource pass;
        lock (_gate)
        {
            _isClosed = _isAborted = true;
            pass = _pass;
        }

        pass.Cancel();
    }

    /// <summary>Takes the slots from jobs that have ended; false when the scheduler has to end.</summary>
    public bool FreeSlots()
    {
        lock (_gate)
        {
            foreach (SchedulerSlot slot in slots.All)
            {
                slot.Job = slot.Job is { Stage: JobStage.Ended } && !slot.IsLoading ? null : slot.Job;
            }

            return !_isAborted && !(_isClosed && _queue.Count == 0 && slots.Free == options.Slots);
        }
    }

    /// <summary>Gives the next job a slot; null where none waits or no slot is free.</summary>
    public SchedulerSlot? FillSlot()
    {
        lock (_gate)
        {
            if (_queue.First is not { Value: var job } || slots.Choose(job.Prompt) is not { } slot)
            {
                return null;
            }

            _queue.RemoveFirst();
            _turn = job.Turn;
            job.Stage = JobStage.Running;
            job.Clock.SlotTaken();
            job.LimitTime(JobStage.Running, options.MaxSlotTime);
            slot.Job = job;
            return slot;
        }
    }

    /// <summary>All jobs that wait or have a slot.</summary>
    public GenerationJob[] All()
    {
        lock (_gate)
        {
            return [.. slots.All.ToArray().Select(slot => slot.Job).OfType<GenerationJob>(), .. _queue];
        }
    }

    /// <summary>Counts tokens of a prompt that need not be evaluated.</summary>
    public void CountCached(int tokens)
    {
        lock (_gate)
        {
            _counters.CachedTokens += tokens;
        }
    }

    /// <summary>Notes what the next pass evaluates.</summary>
    /// <returns>Ends the pass when nobody needs it any more.</returns>
    public CancellationToken BeginPass(SharedPass pass)
    {
        lock (_gate)
        {
            if (_pass.IsCancellationRequested && !_isAborted)
            {
                _pass = new CancellationTokenSource();
            }

            foreach (SchedulerSlot slot in pass.Slots)
            {
                slot.IsInPass = true;
            }

            return _pass.Token;
        }
    }

    /// <summary>Notes the end of a pass.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="start">When it began.</param>
    /// <param name="isComplete">Whether it ran to its end.</param>
    public void EndPass(SharedPass pass, long start, bool isComplete)
    {
        lock (_gate)
        {
            foreach (SchedulerSlot slot in pass.Slots)
            {
                slot.IsInPass = false;
            }

            if (isComplete)
            {
                _counters.AddPass(pass, Stopwatch.GetElapsedTime(start));
            }
        }
    }

    /// <summary>Call it when the scheduler's thread has ended.</summary>
    public void Dispose() => _pass.Dispose();

    /// <summary>Puts a job behind those of its client, but before the later ones of others: clients get slots in turn.</summary>
    private void Enqueue(GenerationJob job)
    {
        job.Turn = _turn;
        LinkedListNode<GenerationJob>? before = null;
        foreach (GenerationJob waiting in _queue)
        {
            if (waiting.Client == job.Client)
            {
                job.Turn = waiting.Turn + 1;
            }
        }

        for (LinkedListNode<GenerationJob>? node = _queue.First; node is not null && node.Value.Turn <= job.Turn; node = node.Next)
        {
            before = node;
        }

        if (before is null)
        {
            _queue.AddFirst(job);
        }
        else
        {
            _queue.AddAfter(before, job);
        }
    }

    /// <summary>Whether a job that goes on is in the pass that runs, or none runs.</summary>
    private bool IsPassWanted()
    {
        bool isRunning = false;
        foreach (SchedulerSlot slot in slots.All)
        {
            if (slot.IsInPass && slot.Job is { Stage: JobStage.Running })
            {
                return true;
            }

            isRunning |= slot.IsInPass;
        }

        return !isRunning;
    }
}
