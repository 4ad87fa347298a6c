using CpuMoe.Compute;

namespace CpuMoe.Experts;

/// <summary>Hands out the weights of the experts that a pass over a layer needs.</summary>
/// <remarks>
/// <para>One pass at a time: <see cref="Begin"/>, <see cref="Take"/> until all were taken, <see cref="End"/> in any
/// case. Nothing is allocated once the largest pass has been seen.</para>
/// <para>Where <see cref="KeepsAll"/>, experts may come in any order (those in memory first) and stay valid until
/// <see cref="End"/>. Where not, they come in ascending order, and only until the next <see cref="Take"/>.</para>
/// </remarks>
internal interface IExpertSource : IDisposable
{
    /// <summary>Whether all experts of the pass stay until its end.</summary>
    bool KeepsAll { get; }

    /// <summary>What has been read and found so far; null where the operating system does the paging.</summary>
    ExpertStatistics? Statistics { get; }

    /// <summary>Starts a pass.</summary>
    /// <param name="layer">The index of the layer among those with experts.</param>
    /// <param name="experts">The experts it needs, ascending.</param>
    /// <param name="tokens">The tokens of the batch.</param>
    void Begin(int layer, ReadOnlySpan<int> experts, int tokens);

    /// <summary>Writes which experts can be used now, as indexes into the list given to <see cref="Begin"/>.</summary>
    /// <param name="ready">As long as the list.</param>
    /// <param name="wait">Whether to wait for at least one, if any is left.</param>
    /// <param name="cancellationToken">Ends a wait.</param>
    /// <returns>How many were written; 0 when none is left or, without waiting, none is there yet.</returns>
    /// <exception cref="ExpertReadException">An expert could not be read; the source remains usable.</exception>
    int Take(Span<int> ready, bool wait, CancellationToken cancellationToken);

    /// <summary>The weights of a taken expert.</summary>
    /// <param name="index">Its index in the list given to <see cref="Begin"/>.</param>
    FeedForwardWeights this[int index] { get; }

    /// <summary>Ends the pass, however far it came.</summary>
    void End();

    /// <summary>Makes room in memory for something else, at the expense of the experts held.</summary>
    /// <returns>0, or by how many bytes the memory is too small; nothing was changed then.</returns>
    long Reserve(long bytes);

    /// <summary>Gives back what <see cref="Reserve"/> took.</summary>
    void Restore(long bytes);
}
