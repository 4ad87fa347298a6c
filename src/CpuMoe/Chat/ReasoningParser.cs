namespace CpuMoe.Chat;

/// <summary>Separates the thought from the answer in a stream of text, at every possible split of the stream.</summary>
/// <remarks>
/// A thought stands in <c>&lt;think&gt;…&lt;/think&gt;</c> at the beginning. White space before it, around its text and
/// after it is dropped; the answer is passed on as it is. An unfinished thought is a thought.
/// </remarks>
public sealed class ReasoningParser
{
    /// <summary>The tag that opens a thought.</summary>
    internal const string Open = "<think>";

    /// <summary>The tag that closes a thought.</summary>
    internal const string Close = "</think>";

    private State _state;
    private bool _hasReasoning;
    private string _held = "";

    /// <summary>Creates a parser for the text that a model writes after a prompt.</summary>
    /// <param name="prompt">
    /// The prompt or its last segment. Where it ends with <c>&lt;think&gt;</c> the text begins inside the thought, where
    /// it ends with <c>&lt;/think&gt;</c> after it; white space after the tag does not matter.
    /// </param>
    public ReasoningParser(string prompt = "")
    {
        ReadOnlySpan<char> end = prompt.AsSpan().TrimEnd();
        _state = end.EndsWith(Open, StringComparison.Ordinal) ? State.Think
            : end.EndsWith(Close, StringComparison.Ordinal) ? State.After
            : State.Start;
    }

    private enum State
    {
        Start,
        Think,
        After,
        Content,
    }

    /// <summary>Whether the text so far ends within the thought.</summary>
    internal bool IsThinking => _state == State.Think;

    /// <summary>Whether a thought goes on or may still begin.</summary>
    internal bool MayThink => _state is State.Start or State.Think;

    /// <summary>Whether the answer has begun.</summary>
    internal bool IsAnswering => _state == State.Content;

    /// <summary>Adds text; returns what is certain now.</summary>
    public ReasoningDelta Append(string text)
    {
        string rest = _held + text;
        string reasoning = "";
        _held = "";
        if (_state == State.Start)
        {
            rest = rest.TrimStart();
            if (rest.StartsWith(Open, StringComparison.Ordinal))
            {
                rest = rest[Open.Length..];
                _state = State.Think;
            }
            else if (Open.StartsWith(rest, StringComparison.Ordinal))
            {
                _held = rest;
                return new ReasoningDelta("", "");
            }
            else
            {
                _state = State.Content;
            }
        }

        if (_state == State.Think)
        {
            (reasoning, rest) = TakeReasoning(rest);
        }

        if (_state == State.After)
        {
            rest = rest.TrimStart();
            _state = rest.Length > 0 ? State.Content : State.After;
        }

        return new ReasoningDelta(reasoning, rest);
    }

    /// <summary>Ends the stream; returns what was held back.</summary>
    public ReasoningDelta Flush()
    {
        string held = _held;
        _held = "";
        return _state == State.Think ? new ReasoningDelta(held, "") : new ReasoningDelta("", held);
    }

    /// <summary>Splits text inside the thought; holds back what may be its end or the white space before it.</summary>
    private (string Reasoning, string Remainder) TakeReasoning(string text)
    {
        if (!_hasReasoning)
        {
            text = text.TrimStart();
        }

        int close = text.IndexOf(Close, StringComparison.Ordinal);
        if (close >= 0)
        {
            _state = State.After;
            return (text[..close].TrimEnd(), text[(close + Close.Length)..]);
        }

        int certain = Tags.CertainLength(text, Close);
        certain = text.AsSpan(0, certain).TrimEnd().Length;
        _hasReasoning |= certain > 0;
        _held = text[certain..];
        return (text[..certain], "");
    }
}
