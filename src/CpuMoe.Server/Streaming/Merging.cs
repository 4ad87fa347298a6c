using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace CpuMoe.Server.Streaming;

/// <summary>Several replies as one stream of updates.</summary>
internal static class Merging
{
    private const int Capacity = 64;

    /// <summary>The updates of all sources with the index of their source, in the order in which they come.</summary>
    public static async IAsyncEnumerable<(int Index, T Update)> Merge<T>(
        IReadOnlyList<IAsyncEnumerable<T>> sources, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (sources is [var only])
        {
            await foreach (T update in only.WithCancellation(cancellationToken))
            {
                yield return (0, update);
            }

            yield break;
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var updates = Channel.CreateBounded<(int, T)>(Capacity);
        Task all = Task.WhenAll(sources.Select((source, index) => PumpAsync(source, index, updates.Writer, stop.Token)));
        Task end = all.ContinueWith(done => updates.Writer.TryComplete(done.Exception?.InnerException), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        try
        {
            await foreach ((int, T) update in updates.Reader.ReadAllAsync(stop.Token))
            {
                yield return update;
            }

            await all;
        }
        finally
        {
            await stop.CancelAsync();
            await end;
        }
    }

    private static async Task PumpAsync<T>(IAsyncEnumerable<T> source, int index, ChannelWriter<(int, T)> updates, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (T update in source.WithCancellation(cancellationToken))
            {
                await updates.WriteAsync((index, update), cancellationToken);
            }
        }
        catch (Exception fault)
        {
            // One that fails ends all.
            updates.TryComplete(fault);
            throw;
        }
    }
}
