using System.Diagnostics;
using CpuMoe.Compute;
using CpuMoe.Gguf;

namespace CpuMoe.Experts;

/// <summary>Tries out which of two ways of reading a file is faster: a few milliseconds.</summary>
internal static unsafe class ReadProbe
{
    private const int Reads = ReadQueue.Depth;
    private const int Turns = 4;

    // The page cache holds files in blocks of up to this size, and drops a block only as a whole.
    private const long CacheBlock = 2 << 20;

    // Two ways that are equally fast differ by a third from one such short look to the next.
    private const double Clearly = 1.5;

    /// <summary>Whether <paramref name="candidate"/> reads clearly faster than <paramref name="usual"/>.</summary>
    public static bool IsClearlyFaster(IWeightReader candidate, IWeightReader usual, GgufFile file)
    {
        // Pieces spread over the largest part, none of them read twice: a second time they could come from a cache.
        int part = Enumerable.Range(0, file.PartPaths.Count).MaxBy(file.LengthOf);
        long pieces = file.LengthOf(part) / ReadJob.PieceBytes;
        if (pieces < 2 * Turns * Reads)
        {
            return false;
        }

        using var memory = new NativeBuffer<byte>((Reads * (long)ReadJob.PieceBytes) + ReadJob.Alignment);
        byte* target = (byte*)(((nint)memory.Pointer + ReadJob.Alignment - 1) & ~(nint)(ReadJob.Alignment - 1));
        try
        {
            double usually = SecondsOf(usual, 0), otherwise = SecondsOf(candidate, 1);
            usually = Math.Min(usually, SecondsOf(usual, 2));

            // Both times: on a busy machine one look may be anything.
            otherwise = Math.Max(otherwise, SecondsOf(candidate, 3));
            return usually > Clearly * otherwise;
        }
        catch (Exception fault) when (fault is IOException or AggregateException)
        {
            // Whatever is wrong with the file shows when it is read for its contents.
            return false;
        }

        long OffsetOf(int read, int turn) => ((Turns * read) + turn) * pieces / (Turns * Reads) * ReadJob.PieceBytes;

        double SecondsOf(IWeightReader reader, int turn)
        {
            for (int read = 0; read < Reads; read++)
            {
                // From the disk, not from the page cache; only these, as another process may want the others.
                LinuxCalls.DropCached(file.Handle(part), OffsetOf(read, turn) / CacheBlock * CacheBlock, CacheBlock);
            }

            long start = Stopwatch.GetTimestamp();
            var threads = new Thread[Reads];
            IOException? refused = null;
            for (int i = 0; i < Reads; i++)
            {
                int read = i;
                threads[i] = new Thread(
                    () =>
                    {
                        try
                        {
                            reader.Read(part, OffsetOf(read, turn), target + ((long)read * ReadJob.PieceBytes), ReadJob.PieceBytes);
                        }
                        catch (IOException fault)
                        {
                            Volatile.Write(ref refused, fault);
                        }
                    },
                    maxStackSize: 1 << 18);
                threads[i].Start();
            }

            Array.ForEach(threads, thread => thread.Join());
            return refused is null ? Stopwatch.GetElapsedTime(start).TotalSeconds : throw refused;
        }
    }
}
