using Microsoft.Win32.SafeHandles;

namespace CpuMoe.Cli.Downloads;

/// <summary>Fills a file from parallel ranges and remembers what has arrived; a later run goes on from there.</summary>
/// <param name="file">The file as it shall be.</param>
/// <param name="partial">The path of the incomplete file.</param>
/// <param name="open">Asks for the bytes of the file from a start to before an end.</param>
/// <param name="settings">Connections, attempts and timeouts.</param>
/// <param name="meter">Counts the bytes.</param>
internal sealed class FileDownload(
    RepositoryFile file, string partial, Func<long, long, CancellationToken, Task<HttpResponseMessage>> open, PullSettings settings, PullMeter meter)
{
    private readonly RangeJournal _journal = new(partial, file);

    /// <summary>Receives what is missing. The content is not checked.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        IReadOnlyList<ByteRange> completed = _journal.Read();
        using SafeFileHandle target = File.OpenHandle(partial, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, FileOptions.Asynchronous);
        RandomAccess.SetLength(target, file.Bytes);
        meter.AddPresent(completed.Sum(range => range.Length));
        RangeTransfer[] transfers = Transfers(ByteRange.Missing(completed, file.Bytes, settings.ChunkBytes));
        try
        {
            await ReceiveAsync(target, completed, transfers, cancellation);
        }
        catch (RangesIgnoredException)
        {
            // In one go then, and from the start.
            meter.AddPresent(-completed.Sum(range => range.Length));
            meter.AddReceived(-transfers.Sum(transfer => transfer.Arrived.Length));
            await ReceiveAsync(target, [], Transfers([new ByteRange(0, file.Bytes)]), cancellation);
        }
    }

    private static IEnumerable<ByteRange> Arrived(IEnumerable<ByteRange> completed, RangeTransfer[] transfers) =>
        completed.Concat(transfers.Select(transfer => transfer.Arrived));

    private RangeTransfer[] Transfers(IEnumerable<ByteRange> ranges) =>
        [.. ranges.Select(range => new RangeTransfer(file, range, open, settings, meter))];

    private async Task ReceiveAsync(SafeFileHandle target, IReadOnlyList<ByteRange> completed, RangeTransfer[] transfers, CancellationToken cancellation)
    {
        using CancellationTokenSource end = new();
        Task journal = KeepJournalAsync(target, completed, transfers, end.Token);
        try
        {
            await Parallel.ForEachAsync(
                transfers,
                new ParallelOptions { MaxDegreeOfParallelism = settings.Connections, CancellationToken = cancellation },
                (transfer, stop) => transfer.RunAsync(target, stop));
        }
        finally
        {
            await end.CancelAsync();
            await journal;
        }
    }

    private async Task KeepJournalAsync(SafeFileHandle target, IReadOnlyList<ByteRange> completed, RangeTransfer[] transfers, CancellationToken end)
    {
        bool last;
        do
        {
            await Task.Delay(settings.JournalInterval, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            last = end.IsCancellationRequested; // before what has arrived is looked up: what came after that must be written too
            ByteRange[] arrived = [.. Arrived(completed, transfers)];
            RandomAccess.FlushToDisk(target); // or a power cut could leave a journal of bytes that are not there
            _journal.Write(arrived);
        }
        while (!last);
    }
}
