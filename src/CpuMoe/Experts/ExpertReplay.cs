namespace CpuMoe.Experts;

/// <summary>A trace laid out for replaying it: keys (layer * experts + expert) in a row, and the future of each.</summary>
internal sealed class ExpertReplay
{
    private readonly int[] _keys;
    private readonly Request[] _requests;

    public ExpertReplay(ExpertTrace trace)
    {
        KeyCount = trace.TotalExperts;
        _keys = new int[trace.AccessCount];
        List<Request> requests = [];
        int next = 0;
        foreach (ExpertPass pass in trace.Passes)
        {
            foreach (ExpertRequest request in trace.RequestsOf(pass))
            {
                requests.Add(new Request(next, request.ExpertCount, pass.Kind, trace.Layers[request.Layer].ExpertBytes));
                foreach (ushort expert in trace.ExpertsOf(request))
                {
                    _keys[next++] = (request.Layer * trace.ExpertCount) + expert;
                }
            }
        }

        _requests = [.. requests];
        NextUse = FindNextUses();
    }

    /// <summary>Keys are 0 to <see cref="KeyCount"/> - 1.</summary>
    public int KeyCount { get; }

    /// <summary>
    /// For each access when its key is asked for again, <see cref="int.MaxValue"/> for never. Times are numbered as if each
    /// request were served in an order of its own: what is needed again last comes first, as a cache keeps for certain
    /// only what it read last.
    /// </summary>
    public int[] NextUse { get; }

    /// <summary>Replays all requests.</summary>
    public ExpertCacheResult Run(IReplayedCache cache, CancellationToken cancellationToken)
    {
        long decodeHits = 0, decodeMisses = 0, decodeBytes = 0, prefillHits = 0, prefillMisses = 0, prefillBytes = 0;
        foreach (Request request in _requests)
        {
            cancellationToken.ThrowIfCancellationRequested();
            bool scan = request.Kind == ExpertPassKind.Prefill;
            int misses = cache.Serve(_keys.AsSpan(request.First, request.Count), scan);
            if (scan)
            {
                prefillHits += request.Count - misses;
                prefillMisses += misses;
                prefillBytes += misses * request.ExpertBytes;
            }
            else
            {
                decodeHits += request.Count - misses;
                decodeMisses += misses;
                decodeBytes += misses * request.ExpertBytes;
            }
        }

        return new ExpertCacheResult(decodeHits, decodeMisses, decodeBytes, prefillHits, prefillMisses, prefillBytes);
    }

    private int[] FindNextUses()
    {
        int[] nextUse = new int[_keys.Length];
        int[] next = new int[KeyCount];
        Array.Fill(next, int.MaxValue);
        int largest = _requests.Select(request => request.Count).DefaultIfEmpty().Max();
        int[] order = new int[largest], latest = new int[largest];
        for (int i = _requests.Length - 1; i >= 0; i--)
        {
            (int first, int count) = (_requests[i].First, _requests[i].Count);
            Span<int> keys = order.AsSpan(0, count), times = latest.AsSpan(0, count);
            for (int j = 0; j < count; j++)
            {
                keys[j] = _keys[first + j];
                nextUse[first + j] = times[j] = next[keys[j]];
            }

            times.Sort(keys);
            for (int j = 0; j < count; j++)
            {
                next[keys[j]] = first + count - 1 - j;
            }
        }

        return nextUse;
    }

    private readonly record struct Request(int First, int Count, ExpertPassKind Kind, long ExpertBytes);
}
