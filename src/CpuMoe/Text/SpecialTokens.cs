using System.Buffers;
using System.Text;

namespace CpuMoe.Text;

/// <summary>An occurrence of a special token in a text.</summary>
/// <param name="Start">Where it begins, in UTF-16 units.</param>
/// <param name="Length">Its length in UTF-16 units.</param>
/// <param name="Rank">The place of the token in the order in which tokens claim their text.</param>
/// <param name="Id">The token.</param>
internal readonly record struct SpecialMatch(int Start, int Length, int Rank, int Id);

/// <summary>Finds the control, unknown and user-defined tokens that are written out in a text.</summary>
/// <remarks>
/// Tokens claim their occurrences one token after the other, the longest text first, each from the left, on what is not
/// claimed yet; so it is in the engines whose ids we must meet. Here all occurrences are found in one pass instead.
/// </remarks>
internal sealed class SpecialTokens
{
    private readonly Vocabulary _vocabulary;
    private readonly int[] _ids;
    private readonly Dictionary<string, int> _ranks;
    private readonly int[] _lengths;
    private readonly SearchValues<string> _texts;

    internal SpecialTokens(Vocabulary vocabulary)
    {
        _vocabulary = vocabulary;
        _ids = Enumerable.Range(0, vocabulary.Count)
            .Where(id => vocabulary.KindOf(id) is TokenKind.Control or TokenKind.Unknown or TokenKind.UserDefined)
            .Where(id => vocabulary.TextOf(id).Length > 0)
            .OrderByDescending(id => Encoding.UTF8.GetByteCount(vocabulary.TextOf(id)))
            .ToArray();
        string[] texts = Array.ConvertAll(_ids, vocabulary.TextOf);
        _ranks = texts.Index().ToDictionary(text => text.Item, text => text.Index, StringComparer.Ordinal);
        _lengths = texts.Select(text => text.Length).Distinct().ToArray();
        _texts = SearchValues.Create(texts, StringComparison.Ordinal);
    }

    /// <summary>The tokens in a text, in order, without overlap.</summary>
    /// <param name="text">The text.</param>
    /// <param name="trusted">Where control and unknown tokens count, ascending and disjoint; user-defined ones count everywhere.</param>
    internal List<SpecialMatch> Find(ReadOnlySpan<char> text, List<Range> trusted)
    {
        List<SpecialMatch> matches = FindAll(text, trusted);
        if (matches.Count < 2)
        {
            return matches;
        }

        matches.Sort((a, b) => (a.Rank, a.Start).CompareTo((b.Rank, b.Start)));
        var claimed = new bool[text.Length];
        matches.RemoveAll(match =>
        {
            Span<bool> span = claimed.AsSpan(match.Start, match.Length);
            if (span.Contains(true))
            {
                return true;
            }

            span.Fill(true);
            return false;
        });
        matches.Sort((a, b) => a.Start.CompareTo(b.Start));
        return matches;
    }

    private List<SpecialMatch> FindAll(ReadOnlySpan<char> text, List<Range> trusted)
    {
        var matches = new List<SpecialMatch>();
        Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> ranks = _ranks.GetAlternateLookup<ReadOnlySpan<char>>();
        int trust = 0;
        for (int at = 0; ; at++)
        {
            int next = text[at..].IndexOfAny(_texts);
            if (next < 0)
            {
                return matches;
            }

            at += next;
            while (trust < trusted.Count && trusted[trust].End.Value <= at)
            {
                trust++;
            }

            int trustedEnd = trust < trusted.Count && trusted[trust].Start.Value <= at ? trusted[trust].End.Value : at;
            foreach (int length in _lengths)
            {
                if (at + length <= text.Length
                    && ranks.TryGetValue(text.Slice(at, length), out int rank)
                    && (at + length <= trustedEnd || _vocabulary.KindOf(_ids[rank]) == TokenKind.UserDefined))
                {
                    matches.Add(new SpecialMatch(at, length, rank, _ids[rank]));
                }
            }
        }
    }
}
