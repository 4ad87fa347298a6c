namespace CpuMoe.Cli.Terminal;

/// <summary>Who gets Ctrl-C. Without anyone it ends the process, as usual.</summary>
internal sealed class Interrupts
{
    private volatile Func<bool>? _handler;

    /// <summary>Hands an interrupt on; false means that nobody took it.</summary>
    public bool Raise() => _handler?.Invoke() ?? false;

    /// <summary>Gives interrupts to <paramref name="handler"/> until the result is disposed; it returns whether it took them.</summary>
    public IDisposable HandleWith(Func<bool> handler)
    {
        Restoration restoration = new(this, _handler);
        _handler = handler;
        return restoration;
    }

    /// <summary>Turns the first interrupt into a cancellation until the result is disposed; a second one ends the process.</summary>
    public IDisposable Cancelling(out CancellationToken token)
    {
        CancellationTokenSource source = new();
        token = source.Token;
        return HandleWith(() =>
        {
            if (source.IsCancellationRequested)
            {
                return false;
            }

            source.Cancel();
            return true;
        });
    }

    private sealed class Restoration(Interrupts owner, Func<bool>? previous) : IDisposable
    {
        public void Dispose() => owner._handler = previous;
    }
}
