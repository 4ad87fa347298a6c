using CpuMoe.Compute;

namespace CpuMoe.Experts;

/// <summary>Records in a trace what passes ask another source for.</summary>
/// <param name="source">The other source; disposed with this one.</param>
/// <param name="trace">The trace; disposed with this source.</param>
internal sealed class TracedExperts(IExpertSource source, ExpertTraceWriter trace) : IExpertSource
{
    /// <summary>A pass over more tokens reads a prompt; fewer may come from several sequences that are decoded together.</summary>
    private const int MostDecodedTokens = 8;

    /// <inheritdoc/>
    public bool KeepsAll => source.KeepsAll;

    /// <inheritdoc/>
    public ExpertStatistics? Statistics => source.Statistics;

    /// <inheritdoc/>
    public FeedForwardWeights this[int index] => source[index];

    /// <inheritdoc/>
    public void Begin(int layer, ReadOnlySpan<int> experts, int tokens)
    {
        trace.Add(layer, experts, tokens, tokens <= MostDecodedTokens ? ExpertPassKind.Decode : ExpertPassKind.Prefill);
        source.Begin(layer, experts, tokens);
    }

    /// <inheritdoc/>
    public int Take(Span<int> ready, bool wait, CancellationToken cancellationToken) => source.Take(ready, wait, cancellationToken);

    /// <inheritdoc/>
    public void End() => source.End();

    /// <inheritdoc/>
    public long Reserve(long bytes) => source.Reserve(bytes);

    /// <inheritdoc/>
    public void Restore(long bytes) => source.Restore(bytes);

    /// <inheritdoc/>
    public void Dispose()
    {
        source.Dispose();
        trace.Dispose();
    }
}
