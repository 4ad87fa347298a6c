namespace CpuMoe.Generation;

/// <summary>
/// Finds stop strings in a stream of text, at every possible split of it. Of several matches the one that begins first
/// wins, of those that begin at the same place the one that completes first. Ordinal comparison.
/// </summary>
/// <remarks>Text that may be the beginning of a stop string is held back until that is decided.</remarks>
internal sealed class StopMatcher
{
    private readonly string[] _stops;
    private string _held = "";

    /// <summary>Creates a matcher at the beginning of a text.</summary>
    /// <exception cref="ArgumentException">A stop string is empty.</exception>
    public StopMatcher(IReadOnlyList<string> stops)
    {
        Check(stops);
        _stops = [.. stops];
    }

    /// <summary>The stop string that was found, after which all text is ignored; null while there is none.</summary>
    public string? Match { get; private set; }

    /// <summary>Throws where <paramref name="stops"/> cannot be used.</summary>
    /// <exception cref="ArgumentException">A stop string is empty.</exception>
    public static void Check(IReadOnlyList<string> stops)
    {
        if (stops.Any(string.IsNullOrEmpty))
        {
            throw new ArgumentException("A stop string is empty; it would match everywhere. Leave it out.", nameof(stops));
        }
    }

    /// <summary>Adds text; returns what certainly lies before any stop string.</summary>
    public string Append(string text) => Release(text, isEnd: false);

    /// <summary>Ends the text; returns what was held back, up to a stop string that is complete in it.</summary>
    public string Flush() => Release("", isEnd: true);

    private string Release(string text, bool isEnd)
    {
        if (Match is not null)
        {
            return "";
        }

        string pending = _held.Length == 0 ? text : _held + text;
        _held = "";
        for (int start = 0; start < pending.Length; start++)
        {
            ReadOnlySpan<char> tail = pending.AsSpan(start);
            bool isPrefix = false;
            foreach (string stop in _stops)
            {
                if (tail.StartsWith(stop, StringComparison.Ordinal) && (Match is null || stop.Length < Match.Length))
                {
                    Match = stop;
                }

                isPrefix |= !isEnd && stop.AsSpan().StartsWith(tail, StringComparison.Ordinal);
            }

            if (Match is not null || isPrefix)
            {
                // A later but complete match waits here too: one that began before it may still complete.
                _held = Match is not null ? "" : pending[start..];
                return pending[..start];
            }
        }

        return pending;
    }
}
