namespace CpuMoe.Cli.Terminal;

/// <summary>Bytes per second over the last while.</summary>
internal sealed class TransferRate(TimeProvider clock)
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(20);

    private readonly Queue<(long Time, long Bytes)> _samples = [];

    /// <summary>Takes how many bytes there are now; returns the rate since the oldest sample of the window, 0 at first.</summary>
    public double Update(long bytes)
    {
        long now = clock.GetTimestamp();
        _samples.Enqueue((now, bytes));
        while (_samples.Count > 2 && clock.GetElapsedTime(_samples.Peek().Time, now) > Window)
        {
            _samples.Dequeue();
        }

        (long time, long before) = _samples.Peek();
        double seconds = clock.GetElapsedTime(time, now).TotalSeconds;
        return seconds > 0 ? Math.Max(0, (bytes - before) / seconds) : 0;
    }
}
