namespace CpuMoe.Cli.Downloads;

/// <summary>How far a pull has come; written by all connections, read by whoever shows it.</summary>
internal sealed class PullMeter
{
    private static readonly TimeSpan WorthTelling = TimeSpan.FromSeconds(3);

    private long _received;
    private long _present;
    private long _checked;
    private long _inCheck;
    private volatile bool _checking;
    private volatile string? _waiting;

    /// <summary>Bytes of the whole model; 0 until they are known.</summary>
    public long Total { get; set; }

    /// <summary>Bytes of the model on the disk.</summary>
    public long Received => Interlocked.Read(ref _received);

    /// <summary>As <see cref="Received"/>, less what was there before.</summary>
    public long Transferred => Received - Interlocked.Read(ref _present);

    /// <summary>The part of the file in check whose hash was computed, 0 to 1; null while none is checked.</summary>
    public double? Checked => _checking ? (double)Interlocked.Read(ref _checked) / Interlocked.Read(ref _inCheck) : null;

    /// <summary>Why a connection waits, if it waits for long.</summary>
    public string? Waiting => _waiting;

    /// <summary>Counts bytes that came; negative where they must come again.</summary>
    public void AddReceived(long bytes) => Interlocked.Add(ref _received, bytes);

    /// <summary>Counts bytes that were on the disk already; negative where they turn out to be of no use.</summary>
    public void AddPresent(long bytes)
    {
        Interlocked.Add(ref _present, bytes);
        Interlocked.Add(ref _received, bytes);
    }

    /// <summary>Counts bytes whose hash was computed.</summary>
    public void AddChecked(long bytes) => Interlocked.Add(ref _checked, bytes);

    /// <summary>A check begins of a file that is not empty.</summary>
    public void BeginCheck(long bytes)
    {
        Interlocked.Exchange(ref _checked, 0);
        Interlocked.Exchange(ref _inCheck, bytes);
        _checking = true;
    }

    /// <summary>The check is over.</summary>
    public void EndCheck() => _checking = false;

    /// <summary>Tells of a wait until the result is disposed.</summary>
    public IDisposable Wait(string reason, TimeSpan time)
    {
        if (time >= WorthTelling)
        {
            _waiting = $"{reason}; waiting {Math.Ceiling(time.TotalSeconds)} s";
        }

        return new EndOfWait(this);
    }

    private sealed class EndOfWait(PullMeter meter) : IDisposable
    {
        public void Dispose() => meter._waiting = null;
    }
}
