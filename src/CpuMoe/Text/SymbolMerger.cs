namespace CpuMoe.Text;

/// <summary>A stretch of the text that is a token, or not one yet.</summary>
/// <param name="Start">Where it begins, in the units of the text.</param>
/// <param name="Length">Its length in these units; 0 once it is merged into the symbol before it.</param>
/// <param name="Id">The token, or -1.</param>
/// <param name="Previous">The index of the symbol before it, or -1.</param>
/// <param name="Next">The index of the symbol behind it, or -1.</param>
internal record struct Symbol(int Start, int Length, int Id, int Previous, int Next);

/// <summary>Which neighbours become one token.</summary>
internal interface IMergeRule
{
    /// <summary>Whether two neighbours merge, into which token, and how early: the smallest order comes first.</summary>
    bool TryMerge(in Symbol left, in Symbol right, out uint order, out int id);
}

/// <summary>
/// Merges neighbouring symbols, each time the pair with the smallest order (leftmost among equals), until no pair merges.
/// </summary>
/// <remarks>
/// The pairs wait in a heap and the symbols form a linked list, so n symbols take O(n log n) however long the piece is.
/// This is our own because Microsoft.ML.Tokenizers 2.0.1 (<c>BpeTokenizer</c>, byte level) meets the golden ids but is
/// quadratic: a run of a million letters 'a' took it 74 s (43 s with DeepSeek's vocabulary), which a server cannot offer
/// to whoever may send a prompt; it also encodes a lone surrogate to bytes that are no UTF-8 and brings Google.Protobuf.
/// </remarks>
internal sealed class SymbolMerger<TRule>(TRule rule)
    where TRule : IMergeRule
{
    private readonly PriorityQueue<Candidate, ulong> _queue = new();
    private Symbol[] _symbols = new Symbol[64];
    private int _count;

    /// <summary>A symbol; the first one has index 0, the others follow by <see cref="Symbol.Next"/>.</summary>
    internal ref readonly Symbol this[int index] => ref _symbols[index];

    /// <summary>Forgets the symbols.</summary>
    internal void Clear() => _count = 0;

    /// <summary>Appends a symbol behind the ones before it.</summary>
    internal void Add(int length, int id)
    {
        if (_count == _symbols.Length)
        {
            Array.Resize(ref _symbols, 2 * _count);
        }

        int start = 0;
        if (_count > 0)
        {
            ref Symbol last = ref _symbols[_count - 1];
            last.Next = _count;
            start = last.Start + last.Length;
        }

        _symbols[_count] = new Symbol(start, length, id, _count - 1, -1);
        _count++;
    }

    /// <summary>Merges until no pair merges.</summary>
    internal void Merge()
    {
        for (int left = 0; left < _count - 1; left++)
        {
            Consider(left);
        }

        while (_queue.TryDequeue(out Candidate candidate, out ulong priority))
        {
            int index = (int)(uint)priority;
            ref Symbol left = ref _symbols[index];

            // Symbols only grow: the pair is still the one that was considered if it is as long as it was.
            if (left.Length == 0 || left.Next < 0 || left.Length + _symbols[left.Next].Length != candidate.Length)
            {
                continue;
            }

            ref Symbol right = ref _symbols[left.Next];
            left.Length = candidate.Length;
            left.Id = candidate.Id;
            left.Next = right.Next;
            right.Length = 0;
            if (left.Next >= 0)
            {
                _symbols[left.Next].Previous = index;
                Consider(index);
            }

            if (left.Previous >= 0)
            {
                Consider(left.Previous);
            }
        }
    }

    private void Consider(int index)
    {
        ref Symbol left = ref _symbols[index];
        ref Symbol right = ref _symbols[left.Next];
        if (rule.TryMerge(in left, in right, out uint order, out int id))
        {
            _queue.Enqueue(new Candidate(left.Length + right.Length, id), ((ulong)order << 32) | (uint)index);
        }
    }

    /// <summary>A pair that may merge: the length of both, and the token they become. Its left symbol is in the priority.</summary>
    private readonly record struct Candidate(int Length, int Id);
}
