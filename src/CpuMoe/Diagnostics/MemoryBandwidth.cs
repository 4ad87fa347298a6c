using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using CpuMoe.Compute;

namespace CpuMoe.Diagnostics;

/// <summary>How fast this machine reads memory: the limit of decoding, which reads every active weight once per token.</summary>
public static class MemoryBandwidth
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Lets all threads read memory several times larger than the last-level cache, in order, with the widest loads and
    /// software prefetch, until no pass is faster than those before. Takes a second or two.
    /// </summary>
    /// <param name="threads">Threads that read; 0 means one per physical core.</param>
    /// <param name="cancellationToken">Ends the measurement between two passes.</param>
    /// <returns>Bytes per second of the best pass.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threads"/> is negative.</exception>
    /// <exception cref="OutOfMemoryException">The system lacks the memory to read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static double Measure(int threads = 0, CancellationToken cancellationToken = default)
    {
        using var pool = new WorkerPool(threads);
        using var memory = new StreamedMemory(pool);
        var reader = new Reader(memory, pool.Threads);
        TimeSpan best = BestTime.Of(() => reader.ReadWindow(pool), Patience, cancellationToken);
        return memory.WindowBytes / best.TotalSeconds;
    }

    private sealed unsafe class Reader(StreamedMemory memory, int workers) : IParallelJob
    {
        private const int ChunkBytes = 1 << 20;
        private const int StepBytes = 512;
        private const int PrefetchDistance = 4096;
        private const int CacheLine = 64;

        // What was read must be used, or the compiler may leave the loads out. A cache line for each worker.
        private readonly long[] _used = new long[workers * (CacheLine / sizeof(long))];

        private long _window;

        /// <summary>Reads the window after the one read before.</summary>
        public void ReadWindow(WorkerPool pool)
        {
            pool.Run(this, (int)(memory.WindowBytes / ChunkBytes));
            _window = (_window + memory.WindowBytes) % memory.Length;
        }

        public void Execute(int chunk, int worker)
        {
            byte* p = memory.Pointer + _window + ((long)chunk * ChunkBytes);
            _used[worker * (CacheLine / sizeof(long))] = Vector512.IsHardwareAccelerated ? Read512(p) : Read256(p);
        }

        private static long Read512(byte* p)
        {
            Vector512<long> a = default, b = default, c = default, d = default;
            for (byte* end = p + ChunkBytes; p < end; p += StepBytes)
            {
                Prefetch(p + PrefetchDistance);
                a ^= Vector512.Load((long*)p) ^ Vector512.Load((long*)(p + 64));
                b ^= Vector512.Load((long*)(p + 128)) ^ Vector512.Load((long*)(p + 192));
                c ^= Vector512.Load((long*)(p + 256)) ^ Vector512.Load((long*)(p + 320));
                d ^= Vector512.Load((long*)(p + 384)) ^ Vector512.Load((long*)(p + 448));
            }

            return Vector512.Sum(a ^ b ^ c ^ d);
        }

        private static long Read256(byte* p)
        {
            Vector256<long> a = default, b = default, c = default, d = default;
            for (byte* end = p + ChunkBytes; p < end; p += StepBytes)
            {
                Prefetch(p + PrefetchDistance);
                for (int half = 0; half < StepBytes; half += StepBytes / 2)
                {
                    byte* q = p + half;
                    a ^= Vector256.Load((long*)q) ^ Vector256.Load((long*)(q + 32));
                    b ^= Vector256.Load((long*)(q + 64)) ^ Vector256.Load((long*)(q + 96));
                    c ^= Vector256.Load((long*)(q + 128)) ^ Vector256.Load((long*)(q + 160));
                    d ^= Vector256.Load((long*)(q + 192)) ^ Vector256.Load((long*)(q + 224));
                }
            }

            return Vector256.Sum(a ^ b ^ c ^ d);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Prefetch(byte* p)
        {
            if (Sse.IsSupported)
            {
                for (int line = 0; line < StepBytes; line += CacheLine)
                {
                    // To the second level: on Zen 4, plain reads with requests to the first are slower than with none.
                    Sse.Prefetch1(p + line);
                }
            }
        }
    }
}
