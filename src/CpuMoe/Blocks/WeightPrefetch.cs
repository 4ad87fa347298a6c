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
    // Two pages ahead, into the second-level cache: the hardware's own prefetch starts anew with every page, and the first
    // level can wait for few lines at a time. Nearer was slower (perf/RESULTS.md).
    private const int FarDistance = 8192;
    private const int CacheLine = 64;

    /// <summary>Requests as many bytes as one step of a loop reads, for the steps to come.</summary>
    /// <param name="source">What is read now.</param>
    /// <param name="bytes">The length of a step, a constant of at most 256: every line is asked for, some twice.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Ahead(byte* source, int bytes)
    {
        if (!Sse.IsSupported)
        {
            return;
        }

        Line(source);
        if (bytes > CacheLine)
        {
            Line(source + CacheLine);
        }

        if (bytes > 2 * CacheLine)
        {
            Line(source + (2 * CacheLine));
        }

        if (bytes > 3 * CacheLine)
        {
            Line(source + (3 * CacheLine));
        }
    }

    /// <summary>Requests all cache lines of <paramref name="bytes"/> bytes, to be used a few microseconds later.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Next(byte* source, int bytes)
    {
        for (int offset = 0; offset < bytes; offset += CacheLine)
        {
            Sse.Prefetch1(source + offset);
        }

        Sse.Prefetch1(source + bytes - 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Line(byte* source) => Sse.Prefetch1(source + FarDistance);
}
