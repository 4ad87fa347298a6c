namespace CpuMoe.Models;

/// <summary>The tokens of one reading of the weights, a row each: runs of one sequence after the other, prompts first.</summary>
internal sealed class TokenBatch(int capacity)
{
    private readonly int[] _tokens = new int[capacity];
    private readonly int[] _positions = new int[capacity];
    private readonly KvCache[] _caches = new KvCache[capacity];
    private readonly int[] _logitRows = new int[capacity];
    private readonly List<Run> _runs = new(capacity);

    /// <summary>How many tokens there are.</summary>
    public int Count { get; private set; }

    /// <summary>How many of them, the first ones, are of prompts.</summary>
    public int PromptCount { get; private set; }

    /// <summary>How many rows want logits.</summary>
    public int LogitCount { get; private set; }

    /// <summary>How many of these, the first ones, are of segments that want those of several tokens.</summary>
    public int TiledLogits { get; private set; }

    /// <summary>How many tokens fit yet.</summary>
    public int Room => capacity - Count;

    /// <summary>By row: the token.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, Count);

    /// <summary>By row: its position in its sequence.</summary>
    public ReadOnlySpan<int> Positions => _positions.AsSpan(0, Count);

    /// <summary>By row: the keys and values of its sequence.</summary>
    public ReadOnlySpan<KvCache> Caches => _caches.AsSpan(0, Count);

    /// <summary>The rows that want logits.</summary>
    public ReadOnlySpan<int> LogitRows => _logitRows.AsSpan(0, LogitCount);

    /// <summary>The rows of each sequence.</summary>
    public List<Run> Runs => _runs;

    /// <summary>Starts a new batch.</summary>
    public void Begin()
    {
        Count = PromptCount = LogitCount = TiledLogits = 0;
        _runs.Clear();
    }

    /// <summary>Adds tokens of a segment, the first <paramref name="done"/> of which are evaluated already.</summary>
    public void Add(in SequenceSegment segment, ReadOnlySpan<int> tokens, int done)
    {
        _runs.Add(new Run(segment.Cache, Count, tokens.Length, segment.Cache.Length + done));
        for (int i = 0; i < tokens.Length; i++, Count++)
        {
            _tokens[Count] = tokens[i];
            _positions[Count] = segment.Cache.Length + done + i;
            _caches[Count] = segment.Cache;
            if (done + i >= segment.Tokens - segment.LogitRows)
            {
                TiledLogits += segment.LogitRows > 1 && TiledLogits == LogitCount ? 1 : 0;
                _logitRows[LogitCount++] = Count;
            }
        }

        PromptCount = segment.IsPrompt ? Count : PromptCount;
    }

    /// <summary>The rows of a sequence.</summary>
    /// <param name="Cache">Its keys and values.</param>
    /// <param name="FirstRow">The first row.</param>
    /// <param name="Rows">The number of rows.</param>
    /// <param name="FirstPosition">The position of the first row.</param>
    public readonly record struct Run(KvCache Cache, int FirstRow, int Rows, int FirstPosition);
}
