using CpuMoe.Models;

namespace CpuMoe.Serving;

/// <summary>One pass over the weights for several slots: a part of each prompt and the next token of each running generation.</summary>
internal sealed class SharedPass
{
    // Logits of prompts that somebody wants to see; others need one row each.
    private const int MostPromptRows = 32;

    private static readonly Comparison<SchedulerSlot> ShortestFirst = (a, b) => a.Pending.Length.CompareTo(b.Pending.Length);

    private readonly Model _model;
    private readonly int _promptTokens;
    private readonly int[] _tokens;
    private float[] _logits;
    private readonly SchedulerSlot[] _slots;
    private readonly SequenceSegment[] _segments;
    private int _tokenCount;
    private int _chosenTokens;
    private int _rows;

    /// <param name="model">The model.</param>
    /// <param name="slots">The most slots of a pass.</param>
    /// <param name="promptTokens">The most tokens of prompts, where others decode.</param>
    public SharedPass(Model model, int slots, int promptTokens)
    {
        _model = model;
        _promptTokens = promptTokens;
        _tokens = new int[Math.Max(promptTokens, model.BatchSize) + slots];
        _logits = new float[slots * model.VocabularySize];
        _slots = new SchedulerSlot[slots];
        _segments = new SequenceSegment[slots];
    }

    /// <summary>The slots of the pass.</summary>
    public ReadOnlySpan<SchedulerSlot> Slots => _slots.AsSpan(0, Count);

    /// <summary>How many slots take part.</summary>
    public int Count { get; private set; }

    /// <summary>Tokens of prompts in the pass.</summary>
    public int PromptTokens { get; private set; }

    /// <summary>Generations that get a token by the pass.</summary>
    public int ChosenTokens => _chosenTokens;

    /// <summary>Chooses what the next pass evaluates, of the slots that have a job.</summary>
    public void Plan(ReadOnlySpan<SchedulerSlot> slots)
    {
        Count = _tokenCount = _rows = _chosenTokens = PromptTokens = 0;
        foreach (SchedulerSlot slot in slots)
        {
            if (slot.Job is not null && !slot.IsLoading && slot.IsInPrompt)
            {
                _slots[Count++] = slot;
            }
        }

        int prompts = Count;
        foreach (SchedulerSlot slot in slots)
        {
            if (slot.Job is { } job && !slot.IsInPrompt && !slot.IsLoading && job.HasRoom())
            {
                _slots[Count++] = slot;
            }
        }

        // Prompts share alike: what a short one leaves goes to the longer ones.
        _slots.AsSpan(0, prompts).Sort(ShortestFirst);
        int left = Count > prompts ? _promptTokens : Math.Max(_promptTokens, _model.BatchSize);
        for (int i = 0; i < Count; i++)
        {
            int share = i < prompts ? Math.Max(1, left / (prompts - i)) : 1;
            left -= Add(i, share);
        }

        if (_rows * _model.VocabularySize > _logits.Length)
        {
            _logits = new float[_rows * _model.VocabularySize];
        }
    }

    /// <summary>Evaluates the tokens.</summary>
    public void Run(CancellationToken cancellationToken) =>
        _model.Forward(_tokens.AsSpan(0, _tokenCount), _segments.AsSpan(0, Count), _logits.AsSpan(0, _rows * _model.VocabularySize), cancellationToken);

    /// <summary>The logits of a slot; empty where its prompt is not complete.</summary>
    public Span<float> LogitsOf(int slot)
    {
        int row = 0;
        foreach (SequenceSegment segment in _segments.AsSpan(0, slot))
        {
            row += segment.LogitRows;
        }

        return _logits.AsSpan(row * _model.VocabularySize, _segments[slot].LogitRows * _model.VocabularySize);
    }

    private int Add(int i, int most)
    {
        SchedulerSlot slot = _slots[i];
        ReadOnlySpan<int> pending = slot.Pending;
        bool readsPrompt = slot.IsInPrompt && slot.Job!.ReadsPrompt;
        if (readsPrompt)
        {
            // The last token by itself: the one behind it is then chosen as ever, whatever is told of the others.
            most = Math.Min(Math.Min(most, MostPromptRows), Math.Max(pending.Length - 1, 1));
        }

        int count = Math.Min(most, pending.Length);
        bool isEnd = count == pending.Length;
        int rows = readsPrompt ? count : isEnd ? 1 : 0;
        pending[..count].CopyTo(_tokens.AsSpan(_tokenCount));
        _segments[i] = new SequenceSegment(slot.Cache, count, rows, slot.IsInPrompt);
        _tokenCount += count;
        _rows += rows;
        _chosenTokens += isEnd ? 1 : 0;
        PromptTokens += slot.IsInPrompt ? count : 0;
        return count;
    }
}
