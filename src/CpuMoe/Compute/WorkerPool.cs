using System.Runtime.ExceptionServices;

namespace CpuMoe.Compute;

/// <summary>Work that can be cut into independent chunks.</summary>
internal interface IParallelJob
{
    /// <summary>Does one chunk.</summary>
    /// <param name="chunk">0 to chunks - 1; each is done exactly once.</param>
    /// <param name="worker">0 to <see cref="WorkerPool.Threads"/> - 1; no two chunks run on one worker at a time.</param>
    void Execute(int chunk, int worker);
}

/// <summary>Threads that share the chunks of one job at a time; the calling thread is one of them.</summary>
/// <remarks>
/// Chunks are claimed with one atomic operation. A waiting worker spins briefly (regions follow each other within
/// microseconds), then yields, then parks, so that an oversubscribed machine degrades gently. A worker that wakes late
/// finds nothing left and delays nobody: completion counts chunks, not workers.
/// </remarks>
internal sealed class WorkerPool : IDisposable
{
    private const int SpinRounds = 400;
    private const int YieldRounds = 100;

    // The low half of a ticket is Bias + the number of unclaimed chunks. Late claims push it below Bias, which means
    // "none left", and cannot borrow from the epoch in the high half.
    private const long Bias = 0x4000_0000;

    private readonly Lock _region = new();
    private readonly Thread[] _workers;
    private readonly SemaphoreSlim _wake = new(0);
    private long _ticket = Bias;
    private int _unfinished;

    // Workers that wait, or are about to wait, for a wake-up that nobody has sent them yet.
    private int _parked;
    private int _chunks;
    private IParallelJob? _job;
    private Exception? _fault;
    private volatile bool _stopping;

    /// <param name="threads">Threads to use, the calling one included; 0 means one per physical core.</param>
    public WorkerPool(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        Threads = threads == 0 ? ProcessorTopology.PhysicalCores : threads;
        _workers = new Thread[Threads - 1];
        for (int i = 0; i < _workers.Length; i++)
        {
            int worker = i + 1;
            _workers[i] = new Thread(() => WorkerLoop(worker)) { IsBackground = true, Name = $"CpuMoe worker {worker}" };
            _workers[i].Start();
        }
    }

    /// <summary>The number of threads that work on a job.</summary>
    public int Threads { get; }

    /// <summary>Runs all chunks of a job and returns when they are done. Jobs of several callers run one after the other.</summary>
    public void Run(IParallelJob job, int chunks)
    {
        lock (_region)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            if (_workers.Length == 0 || chunks <= 1)
            {
                for (int chunk = 0; chunk < chunks; chunk++)
                {
                    job.Execute(chunk, 0);
                }

                return;
            }

            _job = job;
            _chunks = chunks;
            Volatile.Write(ref _unfinished, chunks);
            long epoch = (Volatile.Read(ref _ticket) >> 32) + 1;
            Interlocked.Exchange(ref _ticket, (epoch << 32) | (Bias + chunks));

            int sleeping = TakeParked(chunks - 1);
            if (sleeping > 0)
            {
                _wake.Release(sleeping);
            }

            while (TryClaim(out int chunk))
            {
                Execute(chunk, 0);
            }

            SpinWait spin = default;
            while (Volatile.Read(ref _unfinished) > 0)
            {
                spin.SpinOnce(sleep1Threshold: -1);
            }

            _job = null;
            if (_fault is { } fault)
            {
                _fault = null;
                ExceptionDispatchInfo.Throw(fault);
            }
        }
    }

    /// <summary>Ends the threads, after the job that runs.</summary>
    public void Dispose()
    {
        lock (_region)
        {
            if (_stopping)
            {
                return;
            }

            _stopping = true;
        }

        if (_workers.Length > 0)
        {
            _wake.Release(_workers.Length);
        }

        foreach (Thread worker in _workers)
        {
            worker.Join();
        }

        _wake.Dispose();
    }

    private static int Unclaimed(long ticket) => (int)((ticket & 0xffff_ffff) - Bias);

    private bool TryClaim(out int chunk)
    {
        int left = Unclaimed(Interlocked.Decrement(ref _ticket));

        // A successful claim keeps its region unfinished, so _chunks belongs to the same region as the ticket.
        chunk = left >= 0 ? _chunks - 1 - left : -1;
        return left >= 0;
    }

    private void Execute(int chunk, int worker)
    {
        try
        {
            _job!.Execute(chunk, worker);
        }
        catch (Exception fault)
        {
            Interlocked.CompareExchange(ref _fault, fault, null);
        }

        Interlocked.Decrement(ref _unfinished);
    }

    private void WorkerLoop(int worker)
    {
        while (!_stopping)
        {
            WaitForWork();
            while (Unclaimed(Volatile.Read(ref _ticket)) > 0 && TryClaim(out int chunk))
            {
                Execute(chunk, worker);
            }
        }
    }

    private void WaitForWork()
    {
        for (int round = 0; round < SpinRounds + YieldRounds; round++)
        {
            if (Unclaimed(Volatile.Read(ref _ticket)) > 0 || _stopping)
            {
                return;
            }

            if (round < SpinRounds)
            {
                Thread.SpinWait(20);
            }
            else
            {
                Thread.Yield();
            }
        }

        Interlocked.Increment(ref _parked);
        bool work = Unclaimed(Interlocked.Read(ref _ticket)) > 0 || _stopping;
        if (!work || TakeParked(1) == 0)
        {
            _wake.Wait();
        }
    }

    /// <summary>
    /// Strikes up to <paramref name="most"/> workers off the parked ones and returns how many. Who strikes them off
    /// wakes them, so that each waits for exactly one wake-up: one sent twice would later end a rest without need.
    /// </summary>
    private int TakeParked(int most)
    {
        while (true)
        {
            int parked = Volatile.Read(ref _parked);
            int taken = Math.Min(parked, most);
            if (taken == 0 || Interlocked.CompareExchange(ref _parked, parked - taken, parked) == parked)
            {
                return taken;
            }
        }
    }
}
