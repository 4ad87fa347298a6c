using System.Diagnostics;
using CpuMoe.Compute;
using CpuMoe.Gguf;

namespace CpuMoe.Experts;

/// <summary>How fast the disk gives experts to a paged model.</summary>
public static class DiskBandwidth
{
    // Like the experts that a layer lacks for a token: a few reads of some megabytes at a time, then a pause.
    private const int RoundReads = 4;
    private const int ReadBytes = 8 << 20;
    private const int LeastRounds = 2;

    private static readonly TimeSpan Time = TimeSpan.FromSeconds(1);

    /// <summary>Reads pieces spread over the largest part of a model, none twice, for a second, the way the engine reads experts.</summary>
    /// <param name="file">The model.</param>
    /// <param name="cancellationToken">Ends the measurement between two rounds.</param>
    /// <returns>Bytes per second; null of files too small to tell.</returns>
    /// <exception cref="ExpertReadException">The file could not be read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static unsafe double? Measure(GgufFile file, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        int part = Enumerable.Range(0, file.PartPaths.Count).MaxBy(file.LengthOf);
        int pieces = (int)Math.Min(int.MaxValue, file.LengthOf(part) / ReadBytes);
        int rounds = pieces / RoundReads;
        if (rounds < LeastRounds)
        {
            return null;
        }

        using var reads = new ReadQueue(FileReader.Open(file));
        using var memory = new NativeBuffer<byte>(RoundReads * ReadJob.MemoryFor(ReadBytes), ReadJob.Alignment);
        int[] order = [.. Enumerable.Range(0, pieces)];
        new Random(1).Shuffle(order);
        long start = Stopwatch.GetTimestamp();
        int round = 0;
        for (; round < rounds && (round < LeastRounds || Stopwatch.GetElapsedTime(start) < Time); round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var unfinished = new CountdownEvent(RoundReads);
            ReadJob[] jobs = [.. Enumerable.Range(0, RoundReads).Select(_ => new ReadJob(_ => unfinished.Signal()))];
            for (int i = 0; i < RoundReads; i++)
            {
                long offset = (long)order[(round * RoundReads) + i] * ReadBytes;

                // Where reads go through the page cache it would come from there; what is not read stays for whoever wants it.
                LinuxCalls.DropCached(file.Handle(part), offset, ReadBytes);
                jobs[i].Add(part, offset, ReadBytes, ReadJob.Place(memory.Pointer + (i * ReadJob.MemoryFor(ReadBytes)), offset), "disk probe");
                reads.Enqueue(jobs[i], background: false);
            }

            unfinished.Wait(CancellationToken.None);
            if (Array.Find(jobs, job => job.Fault is not null) is { Fault: { } fault })
            {
                throw fault;
            }
        }

        return (double)round * RoundReads * ReadBytes / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
