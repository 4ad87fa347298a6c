using CpuMoe.Text;

namespace CpuMoe.Generation;

/// <summary>From token ids to the text a caller sees: whole characters only, up to an end-of-generation token or a stop string.</summary>
internal sealed class OutputText(Tokenizer tokenizer, GenerationOptions options)
{
    private readonly StreamingDetokenizer _detokenizer = new(tokenizer, options.ShowControl);
    private readonly StopMatcher _stops = new(options.StopStrings);
    private bool _isEnded;

    /// <summary>Whether an end-of-generation token or a stop string has come.</summary>
    public bool IsStopped => _isEnded || StopString is not null;

    /// <summary>The stop string that has come.</summary>
    public string? StopString => _stops.Match;

    /// <summary>Adds a token; returns the text that is certain now.</summary>
    public string Append(int token)
    {
        _isEnded = !options.IgnoreEndOfGeneration && tokenizer.Vocabulary.EndOfGeneration.Contains(token);

        // An end token steers, whatever kind the file gives it: it is text only where control tokens are.
        return _isEnded && !options.ShowControl ? "" : _stops.Append(_detokenizer.Append(token));
    }

    /// <summary>Ends the text; returns what was held back.</summary>
    public string Flush()
    {
        string rest = _stops.Append(_detokenizer.Flush());
        return rest + _stops.Flush();
    }
}
