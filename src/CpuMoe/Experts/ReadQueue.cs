using System.Diagnostics;

namespace CpuMoe.Experts;

/// <summary>Threads that read pieces of jobs from the disk: first those a pass waits for, then those of the background.</summary>
/// <remarks>A disk gives its full rate only when several reads are under way. The threads block in the system and never spin.</remarks>
internal sealed class ReadQueue : IDisposable
{
    /// <summary>Reads under way at a time.</summary>
    public const int Depth = 8;

    private readonly IWeightReader _reader;
    private readonly Thread[] _threads;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _work = new(0);
    private readonly Queue<ReadJob> _urgent = new();
    private readonly Queue<ReadJob> _background = new();
    private bool _stopping;

    // Since the start: bytes, reads, the sum over reads of those under way, and the time during which any was.
    private long _bytes;
    private long _reads;
    private long _depthSum;
    private long _busyTicks;
    private long _busySince;
    private int _underWay;

    /// <param name="reader">The files; disposed with the queue.</param>
    public ReadQueue(IWeightReader reader)
    {
        _reader = reader;
        _threads = new Thread[Depth];
        for (int i = 0; i < Depth; i++)
        {
            _threads[i] = new Thread(ReadLoop, maxStackSize: 1 << 18) { IsBackground = true, Name = $"CpuMoe reader {i}" };
            _threads[i].Start();
        }
    }

    /// <summary>How bytes come from the disk.</summary>
    public string Mode => _reader.Mode;

    /// <summary>Adds a job; its completion comes from a reading thread, or never, if the queue is being disposed.</summary>
    /// <param name="job">The job.</param>
    /// <param name="background">Whether it has time until nothing else is to be read.</param>
    public void Enqueue(ReadJob job, bool background)
    {
        lock (_gate)
        {
            if (_stopping)
            {
                return;
            }

            (background ? _background : _urgent).Enqueue(job);
            _work.Release(job.Pieces);
        }
    }

    /// <summary>Puts a job of the background before all others of it.</summary>
    public void Promote(ReadJob job)
    {
        lock (_gate)
        {
            // It stands in both queues now; where it comes up with no piece left, it is passed over.
            _urgent.Enqueue(job);
        }
    }

    /// <summary>What was read so far.</summary>
    public ReadStatistics Snapshot()
    {
        lock (_gate)
        {
            long busy = _busyTicks + (_underWay > 0 ? Stopwatch.GetTimestamp() - _busySince : 0);
            return new ReadStatistics(_bytes, _reads, Stopwatch.GetElapsedTime(0, busy), _reads == 0 ? 0 : (double)_depthSum / _reads);
        }
    }

    /// <summary>Ends the threads after the pieces under way, and closes the files. Jobs not finished never complete.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_stopping)
            {
                return;
            }

            _stopping = true;
        }

        _work.Release(Depth);
        foreach (Thread thread in _threads)
        {
            thread.Join();
        }

        _work.Dispose();
        _reader.Dispose();
    }

    private void ReadLoop()
    {
        while (true)
        {
            _work.Wait();
            ReadJob job;
            int piece;
            lock (_gate)
            {
                if (_stopping)
                {
                    return;
                }

                (job, piece) = Claim();
                _depthSum += ++_underWay;
                _reads++;
                if (_underWay == 1)
                {
                    _busySince = Stopwatch.GetTimestamp();
                }
            }

            long bytes = job.Read(piece, _reader);
            lock (_gate)
            {
                _bytes += bytes;
                if (--_underWay == 0)
                {
                    _busyTicks += Stopwatch.GetTimestamp() - _busySince;
                }
            }

            job.Finish();
        }
    }

    /// <summary>The next piece; there is one for each count of the semaphore.</summary>
    private (ReadJob Job, int Piece) Claim()
    {
        Queue<ReadJob> queue = _urgent;
        while (true)
        {
            if (queue.Count == 0)
            {
                queue = _background;
            }

            ReadJob job = queue.Peek();
            if (job.TryClaim(out int piece))
            {
                return (job, piece);
            }

            queue.Dequeue();
        }
    }
}
