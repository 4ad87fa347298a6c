namespace CpuMoe.Experts;

/// <summary>A cache that a trace is replayed on.</summary>
internal interface IReplayedCache
{
    /// <summary>
    /// Serves the next request: first the experts that are resident, then, in any order, the missing ones, each of which
    /// must take a slot.
    /// </summary>
    /// <param name="keys">What is asked for, each key once.</param>
    /// <param name="scan">Whether a prefill asks.</param>
    /// <returns>How many were missing.</returns>
    int Serve(ReadOnlySpan<int> keys, bool scan);
}
