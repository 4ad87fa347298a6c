using CpuMoe.Compute;

namespace CpuMoe.Experts;

/// <summary>Experts read from the mapped file where they lie; the operating system keeps what it can in memory.</summary>
/// <param name="layers">The layers with experts.</param>
internal sealed class MappedExperts(IReadOnlyList<ExpertLayer> layers) : IExpertSource
{
    private readonly int[] _experts = new int[layers.Count == 0 ? 0 : layers.Max(layer => layer.Count)];
    private ExpertLayer? _layer;
    private int _count;
    private bool _taken;

    /// <inheritdoc/>
    public bool KeepsAll => true;

    /// <inheritdoc/>
    public ExpertStatistics? Statistics => null;

    /// <inheritdoc/>
    public FeedForwardWeights this[int index] => _layer!.Mapped(_experts[index]);

    /// <inheritdoc/>
    public void Begin(int layer, ReadOnlySpan<int> experts, int tokens)
    {
        _layer = layers[layer];
        _count = experts.Length;
        _taken = false;
        experts.CopyTo(_experts);
    }

    /// <inheritdoc/>
    public int Take(Span<int> ready, bool wait, CancellationToken cancellationToken)
    {
        if (_taken)
        {
            return 0;
        }

        _taken = true;
        for (int i = 0; i < _count; i++)
        {
            ready[i] = i;
        }

        return _count;
    }

    /// <inheritdoc/>
    public void End()
    {
    }

    /// <inheritdoc/>
    public long Reserve(long bytes) => 0;

    /// <inheritdoc/>
    public void Restore(long bytes)
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
