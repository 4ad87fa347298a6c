using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>
/// Asks for weights before they are needed. Decode is bound by memory, and asking ahead takes it past what the hardware
/// prefetcher reaches alone. A prefetch never faults, so it may run past the end of a row or of the file.
/// .NET offers it on x86 only.
/// </summary>
internal static unsafe class WeightPrefetch
{
    // Far enough to cover the latency of memory, near enough to be still in the first-level cache when used.
    private const int Distance = 4096;
    private const int CacheLine = 64;

    /// <summary>Requests the cache lines of one block, <see cref="Distance"/> bytes after <paramref name="block"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Ahead(byte* block, int bytesPerBlock)
    {
        if (!Sse.IsSupported)
        {
            return;
        }

        // The nearest whole number of lines: the lines between two blocks are not asked for twice.
        Sse.Prefetch0(block + Distance);
        if (bytesPerBlock >= CacheLine * 3 / 2)
        {
            Sse.Prefetch0(block + Distance + CacheLine);
        }

        if (bytesPerBlock >= CacheLine * 5 / 2)
        {
            Sse.Prefetch0(block + Distance + (2 * CacheLine));
        }
    }
}
