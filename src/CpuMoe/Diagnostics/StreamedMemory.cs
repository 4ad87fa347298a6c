using System.Globalization;
using CpuMoe.Compute;

namespace CpuMoe.Diagnostics;

/// <summary>Memory much larger than the last-level cache, so that reading it in order reads RAM.</summary>
internal sealed unsafe class StreamedMemory : IParallelJob, IDisposable
{
    /// <summary>What every byte holds. Any number made of this byte, whole or float, is normal; subnormal ones would be slow.</summary>
    public const byte Content = 0x35;

    private const int ChunkBytes = 1 << 20;

    // With a quarter of this, the best of many passes over a Zen 4 with a cache of 32 MiB was half as fast again as any
    // pass over more: caches do not forget strictly in order.
    private const long SmallestSize = 1L << 30;
    private const long CacheOfUnknownSize = 64L << 20;
    private const int CachesInSize = 16;
    private const int Windows = 4;

    private readonly NativeBuffer<byte> _memory;

    /// <exception cref="OutOfMemoryException">The system has no such memory.</exception>
    public StreamedMemory(WorkerPool pool)
    {
        _memory = new NativeBuffer<byte>(ChooseSize());

        // The pages come into being when written, near the thread that writes them.
        pool.Run(this, (int)(_memory.Length / ChunkBytes));
    }

    public byte* Pointer => _memory.Pointer;

    /// <summary>A whole number of windows, each a whole number of MiB.</summary>
    public long Length => _memory.Length;

    /// <summary>What one timed pass reads, in bytes: a pass that goes on where the one before ended never finds its data in cache.</summary>
    /// <remarks>One size for all measurements: the shorter the pass, the more likely is one that nothing disturbs.</remarks>
    public long WindowBytes => Length / Windows;

    public void Dispose() => _memory.Dispose();

    void IParallelJob.Execute(int chunk, int worker) => new Span<byte>(Pointer + ((long)chunk * ChunkBytes), ChunkBytes).Fill(Content);

    private static long ChooseSize()
    {
        long wanted = Math.Max(SmallestSize, CachesInSize * LastLevelCacheBytes());
        long bearable = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4;
        const long Unit = (long)ChunkBytes * Windows;
        return Math.Max(Unit, Math.Min(wanted, bearable) / Unit * Unit);
    }

    /// <summary>The last-level caches of all processors together.</summary>
    /// <remarks>Source: Linux, Documentation/ABI/stable/sysfs-devices-system-cpu. Other systems have no managed way to ask.</remarks>
    private static long LastLevelCacheBytes()
    {
        const string Root = "/sys/devices/system/cpu";
        try
        {
            Dictionary<string, long> caches = [];
            foreach (string folder in Directory.Exists(Root) ? Directory.GetDirectories(Root, "cpu*") : [])
            {
                string cache = Path.Combine(folder, "cache", "index3");
                if (Directory.Exists(cache))
                {
                    string kibibytes = File.ReadAllText(Path.Combine(cache, "size")).Trim().TrimEnd('K');
                    caches[File.ReadAllText(Path.Combine(cache, "shared_cpu_list"))] = long.Parse(kibibytes, CultureInfo.InvariantCulture) << 10;
                }
            }

            return caches.Count > 0 ? caches.Values.Sum() : CacheOfUnknownSize;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or FormatException)
        {
            return CacheOfUnknownSize;
        }
    }
}
