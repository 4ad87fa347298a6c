namespace CpuMoe.Generation;

/// <summary>Keeps a <see cref="ThoughtBudget"/> while a text is generated.</summary>
internal sealed class ThoughtLimit
{
    private readonly ThoughtBudget _budget;
    private Stage _stage;

    // How many ids of the sequence that is waited for (opening or closing) the tokens so far end with.
    private int _matched;
    private int _tokens;

    public ThoughtLimit(ThoughtBudget budget)
    {
        _budget = budget;
        _stage = budget.IsOpen ? Stage.Inside : Stage.Before;
    }

    private enum Stage
    {
        Before,
        Inside,
        After,
    }

    /// <summary>The token that has to come next, or -1 where any may.</summary>
    public int Forced => _stage == Stage.Inside && _tokens >= _budget.MaxTokens ? _budget.Close[_matched] : -1;

    /// <summary>Notes the next token of the text.</summary>
    public void Append(int token)
    {
        if (_stage == Stage.After)
        {
            return;
        }

        IReadOnlyList<int> awaited = _stage == Stage.Before ? _budget.Open : _budget.Close;
        _tokens += _stage == Stage.Inside ? 1 : 0;
        _matched = Extend(awaited, _matched, token);
        if (_matched == awaited.Count)
        {
            _stage++;
            _matched = 0;
        }
    }

    /// <summary>The longest beginning of <paramref name="ids"/> that a text ends with, when it ended with <paramref name="matched"/> of them before <paramref name="token"/>.</summary>
    private static int Extend(IReadOnlyList<int> ids, int matched, int token)
    {
        // The text ends with ids[..matched] and the token; shorter beginnings are looked for within these.
        for (int length = matched + 1; length > 0; length--)
        {
            int skipped = matched + 1 - length;
            bool fits = ids[length - 1] == token;
            for (int i = 0; fits && i < length - 1; i++)
            {
                fits = ids[i] == ids[skipped + i];
            }

            if (fits)
            {
                return length;
            }
        }

        return 0;
    }
}
