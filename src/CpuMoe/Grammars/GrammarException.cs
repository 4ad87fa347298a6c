namespace CpuMoe.Grammars;

/// <summary>A grammar, schema or pattern that cannot be used: malformed, not supported, impossible to satisfy, or too large.</summary>
public class GrammarException : Exception
{
    /// <summary>Creates the exception; the message is composed of its parts.</summary>
    /// <param name="problem">What is wrong and what to do.</param>
    /// <param name="place">Where: a line and column, a JSON pointer, the name of a rule; null where no place applies.</param>
    /// <param name="inner">The underlying fault, if any.</param>
    public GrammarException(string problem, string? place = null, Exception? inner = null)
        : base(place is null ? problem : $"{place}: {problem}", inner) => Place = place;

    /// <summary>Where the fault is, or null.</summary>
    public string? Place { get; }
}
