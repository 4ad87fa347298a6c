namespace CpuMoe.Cli.Downloads;

/// <summary>A fault of the network or of a server that may be gone at the next attempt.</summary>
/// <param name="message">What happened, without an advice.</param>
/// <param name="wait">How long the server asks to wait.</param>
internal sealed class TransferException(string message, TimeSpan? wait = null) : Exception(message)
{
    public TimeSpan? Wait { get; } = wait;
}
