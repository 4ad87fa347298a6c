namespace CpuMoe.Generation;

/// <summary>Which candidate stands at the root of a heap.</summary>
internal interface IHeapOrder
{
    /// <summary>Whether <paramref name="a"/> belongs nearer to the root.</summary>
    static abstract bool IsAbove(Candidate a, Candidate b);
}

/// <summary>The best candidate at the root.</summary>
internal readonly struct BestFirst : IHeapOrder
{
    public static bool IsAbove(Candidate a, Candidate b) => a.IsBefore(b);
}

/// <summary>The worst candidate at the root.</summary>
internal readonly struct WorstFirst : IHeapOrder
{
    public static bool IsAbove(Candidate a, Candidate b) => b.IsBefore(a);
}

/// <summary>A binary heap in place: the children of i are 2i + 1 and 2i + 2.</summary>
internal static class CandidateHeap
{
    /// <summary>Orders a span as a heap, in linear time.</summary>
    public static void Build<TOrder>(Span<Candidate> heap)
        where TOrder : IHeapOrder
    {
        for (int i = (heap.Length / 2) - 1; i >= 0; i--)
        {
            Sink<TOrder>(heap, i, heap[i]);
        }
    }

    /// <summary>Replaces the root.</summary>
    public static void ReplaceRoot<TOrder>(Span<Candidate> heap, Candidate candidate)
        where TOrder : IHeapOrder => Sink<TOrder>(heap, 0, candidate);

    /// <summary>Takes the root out and puts it last; the elements before it are a heap again.</summary>
    public static void MoveRootToEnd<TOrder>(Span<Candidate> heap)
        where TOrder : IHeapOrder
    {
        Candidate root = heap[0];
        Sink<TOrder>(heap[..^1], 0, heap[^1]);
        heap[^1] = root;
    }

    private static void Sink<TOrder>(Span<Candidate> heap, int hole, Candidate candidate)
        where TOrder : IHeapOrder
    {
        for (int child = (2 * hole) + 1; child < heap.Length; child = (2 * hole) + 1)
        {
            if (child + 1 < heap.Length && TOrder.IsAbove(heap[child + 1], heap[child]))
            {
                child++;
            }

            if (!TOrder.IsAbove(heap[child], candidate))
            {
                break;
            }

            heap[hole] = heap[child];
            hole = child;
        }

        if (hole < heap.Length)
        {
            heap[hole] = candidate;
        }
    }
}
