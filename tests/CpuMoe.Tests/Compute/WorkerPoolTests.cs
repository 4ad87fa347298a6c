using System.Diagnostics;
using CpuMoe.Compute;

namespace CpuMoe.Tests.Compute;

/// <summary>Workers of pools with fewer and with far more threads than the machine has cores.</summary>
[Collection(nameof(RunAlone))]
public class WorkerPoolTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(33)]
    public void EveryChunkRunsExactlyOnceAndNoWorkerTwiceAtATime(int threads)
    {
        using var pool = new WorkerPool(threads);
        foreach (int chunks in (int[])[0, 1, 2, 3, 31, 32, 33, 64, 1000, 10_000])
        {
            var job = new CountingJob(chunks, threads);
            pool.Run(job, chunks);
            Assert.All(job.Runs, runs => Assert.Equal(1, runs));
            Assert.Equal(0, job.Violations);
        }
    }

    [Fact]
    public void ThousandsOfTinyRegionsAreQuick()
    {
        using var pool = new WorkerPool(33);
        var job = new CountingJob(5, 33);
        var watch = Stopwatch.StartNew();
        for (int region = 0; region < 5000; region++)
        {
            pool.Run(job, 5);
        }

        Assert.All(job.Runs, runs => Assert.Equal(5000, runs));
        Assert.Equal(0, job.Violations);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"5000 regions took {watch.Elapsed}.");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public void ExceptionsReachTheCallerAndThePoolStaysUsable(int threads)
    {
        using var pool = new WorkerPool(threads);
        for (int round = 0; round < 50; round++)
        {
            var fault = Assert.Throws<InvalidDataException>(() => pool.Run(new FaultingJob(7), 20));
            Assert.Equal("chunk 7", fault.Message);
            var job = new CountingJob(20, threads);
            pool.Run(job, 20);
            Assert.All(job.Runs, runs => Assert.Equal(1, runs));
        }
    }

    [Fact]
    public async Task CallersOnSeveralThreadsTakeTurns()
    {
        using var pool = new WorkerPool(4);
        CountingJob[] jobs = [.. Enumerable.Range(0, 4).Select(_ => new CountingJob(17, 4))];
        await Task.WhenAll(jobs.Select(job => Task.Run(() =>
        {
            for (int region = 0; region < 300; region++)
            {
                pool.Run(job, 17);
            }
        })));
        Assert.All(jobs, job => Assert.All(job.Runs, runs => Assert.Equal(300, runs)));
        Assert.All(jobs, job => Assert.Equal(0, job.Violations));
    }

    [Fact]
    public void WorkersTakePart()
    {
        using var pool = new WorkerPool(2);
        using var met = new Barrier(2);
        // Both chunks wait for each other: the caller alone could not finish.
        pool.Run(new ActionJob((_, _) => Assert.True(met.SignalAndWait(TimeSpan.FromSeconds(20)))), 2);
    }

    [Fact]
    public void IdleWorkersParkAndWake()
    {
        using var pool = new WorkerPool(8);
        Thread[] workers = WorkersOf(pool);
        var job = new CountingJob(8, 8);
        for (int burst = 0; burst < 3; burst++)
        {
            for (int region = 0; region < 20_000; region++)
            {
                pool.Run(job, 8);
            }

            // However many regions there were, wake-ups must not be left over to keep the workers spinning: soon all are
            // found asleep 20 times in a row.
            var watch = Stopwatch.StartNew();
            for (int quiet = 0; quiet < 20; quiet = Array.TrueForAll(workers, IsParked) ? quiet + 1 : 0)
            {
                Assert.True(watch.ElapsedMilliseconds < 3000, "The workers do not come to rest.");
                Thread.Sleep(5);
            }
        }

        Assert.Equal(workers.ToHashSet(), WorkersOf(pool).ToHashSet());
    }

    [Fact]
    public void DisposeEndsTheThreads()
    {
        var pool = new WorkerPool(5);
        Thread[] workers = WorkersOf(pool);
        pool.Dispose();
        Assert.All(workers, worker => Assert.False(worker.IsAlive));
        pool.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pool.Run(new CountingJob(2, 5), 2));
    }

    [Fact]
    public void ZeroThreadsMeansTheCores()
    {
        using var pool = new WorkerPool(0);
        Assert.InRange(pool.Threads, 1, Environment.ProcessorCount);
        Assert.Throws<ArgumentOutOfRangeException>(() => new WorkerPool(-1));
    }

    /// <summary>The threads other than the calling one; fails unless all of them take a chunk of one job.</summary>
    private static Thread[] WorkersOf(WorkerPool pool)
    {
        var threads = new Thread[pool.Threads];
        using var met = new Barrier(pool.Threads);
        pool.Run(new ActionJob((_, worker) =>
        {
            threads[worker] = Thread.CurrentThread;
            Assert.True(met.SignalAndWait(TimeSpan.FromSeconds(20)), "Not all threads came.");
        }), pool.Threads);
        Assert.Equal(Thread.CurrentThread, threads[0]);
        return threads[1..];
    }

    private static bool IsParked(Thread worker) => worker.ThreadState.HasFlag(System.Threading.ThreadState.WaitSleepJoin);

    private sealed class CountingJob(int chunks, int threads) : IParallelJob
    {
        private readonly int[] _active = new int[threads];
        private int _violations;

        public int[] Runs { get; } = new int[chunks];

        /// <summary>Chunks that ran on a worker already busy.</summary>
        public int Violations => _violations;

        public void Execute(int chunk, int worker)
        {
            if (Interlocked.Increment(ref _active[worker]) != 1)
            {
                Interlocked.Increment(ref _violations);
            }

            Interlocked.Increment(ref Runs[chunk]);
            Interlocked.Decrement(ref _active[worker]);
        }
    }

    private sealed class FaultingJob(int bad) : IParallelJob
    {
        public void Execute(int chunk, int worker)
        {
            if (chunk == bad)
            {
                throw new InvalidDataException($"chunk {chunk}");
            }
        }
    }

    private sealed class ActionJob(Action<int, int> action) : IParallelJob
    {
        public void Execute(int chunk, int worker) => action(chunk, worker);
    }
}
