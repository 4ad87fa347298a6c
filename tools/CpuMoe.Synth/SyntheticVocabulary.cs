using System.Globalization;
using CpuMoe.Text;

namespace CpuMoe.Synth;

/// <summary>A byte-level BPE vocabulary of a given size: the bytes, tokens from merges, the special tokens, and ids without a token.</summary>
/// <remarks>
/// Merged tokens are lower-case pieces of two to four characters, some after a space; every piece has exactly one merge,
/// of two tokens with lower ids, and no two pieces are equal.
/// </remarks>
internal sealed class SyntheticVocabulary
{
    /// <summary>How many ids are single bytes; those from here to the special tokens are letters, some after a space.</summary>
    public const int ByteTokens = 256;

    // Prime and not a factor of the number of four-letter pieces, so that steps of this size meet all of them.
    private const int PieceStep = 104729;

    public SyntheticVocabulary(VocabularyShape shape)
    {
        IReadOnlyList<SpecialToken> specials = shape.Family.Specials;
        (string Left, string Right)[] merges = [.. Merges().Take(shape.SpecialStart - ByteTokens)];
        if (merges.Length != shape.SpecialStart - ByteTokens || shape.SpecialStart + specials.Count > shape.Size)
        {
            throw new ArgumentException($"A vocabulary of {shape.Size} ids with special tokens from {shape.SpecialStart} on cannot be made.", nameof(shape));
        }

        Merged = Array.ConvertAll(merges, merge => $"{merge.Left} {merge.Right}");
        Texts =
        [
            .. ByteCharacters(),
            .. merges.Select(merge => merge.Left + merge.Right),
            .. specials.Select(special => special.Text),
            .. Enumerable.Range(0, shape.Size).Skip(shape.SpecialStart + specials.Count).Select(id => string.Create(CultureInfo.InvariantCulture, $"[PAD{id}]")),
        ];
        Kinds = new int[shape.Size];
        Array.Fill(Kinds, (int)TokenKind.Normal, 0, shape.SpecialStart);
        Array.Fill(Kinds, (int)TokenKind.Unused, shape.SpecialStart, shape.Size - shape.SpecialStart);
        for (int i = 0; i < specials.Count; i++)
        {
            Kinds[shape.SpecialStart + i] = (int)specials[i].Kind;
        }
    }

    /// <summary>The text of each id.</summary>
    public string[] Texts { get; }

    /// <summary>The kind of each id, a <see cref="TokenKind"/>.</summary>
    public int[] Kinds { get; }

    /// <summary>The merges, "left right".</summary>
    public string[] Merged { get; }

    /// <summary>The bytes in the order of their characters, as GPT-2 numbers them.</summary>
    private static IEnumerable<string> ByteCharacters() => Enumerable.Range(0, ByteTokens)
        .Select(b => ByteLevelAlphabet.CharOf((byte)b))
        .Order()
        .Select(character => character.ToString());

    private static IEnumerable<(string Left, string Right)> Merges()
    {
        string[] letters = [.. Enumerable.Range('a', 26).Select(letter => ((char)letter).ToString())];
        string[] starts = [ByteLevelAlphabet.CharOf((byte)' ').ToString(), .. letters];
        (string, string)[] pairs = [.. starts.SelectMany(start => letters.Select(letter => (start, letter)))];
        string[] startPairs = Array.ConvertAll(pairs, pair => pair.Item1 + pair.Item2);
        string[] letterPairs = startPairs[letters.Length..];
        foreach ((string, string) pair in pairs)
        {
            yield return pair;
        }

        foreach (string left in startPairs)
        {
            foreach (string right in letters)
            {
                yield return (left, right);
            }
        }

        // A part of these is enough for any real size: take it from all over the alphabet.
        int pieces = startPairs.Length * letterPairs.Length;
        for (int i = 0; i < pieces; i++)
        {
            int piece = (int)((long)i * PieceStep % pieces);
            yield return (startPairs[piece / letterPairs.Length], letterPairs[piece % letterPairs.Length]);
        }
    }
}
