using CpuMoe.Generation;

namespace CpuMoe.Serving;

/// <summary>A generation that a <see cref="Scheduler"/> has admitted. Enumerate it once; disposing it stops the work.</summary>
/// <remarks>
/// The enumeration throws <see cref="OperationCanceledException"/> where it is cancelled, and what the engine throws
/// where the pass fails. A consumer that falls far behind holds up its own generation only.
/// </remarks>
public sealed class GenerationJob : IAsyncEnumerable<GenerationUpdate>, IAsyncDisposable
{
    internal GenerationJob() => throw new NotImplementedException();

    /// <summary>Counts and times so far.</summary>
    public GenerationTimings Timings => throw new NotImplementedException();

    /// <inheritdoc/>
    public IAsyncEnumerator<GenerationUpdate> GetAsyncEnumerator(CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
