using CpuMoe.Text;

namespace CpuMoe.Grammars.Masks;

/// <summary>
/// The texts of all ordinary tokens as a tree of bytes in preorder: a node comes before those of longer texts, and the
/// nodes of a subtree lie side by side, so that one pass meets all and a subtree is left out by a jump.
/// </summary>
/// <remarks>Holds normal and byte tokens; the others steer the model or have a meaning beside their text.</remarks>
internal sealed class TokenTrie
{
    private TokenTrie(byte[] bytes, byte[] depths, int[] ends, int[] firstTokens, int[] tokens)
        => (Bytes, Depths, Ends, FirstTokens, Tokens) = (bytes, depths, ends, firstTokens, tokens);

    /// <summary>Texts of more bytes are left out, so that depths are bytes; real vocabularies have none.</summary>
    public const int MaxLength = byte.MaxValue;

    /// <summary>The last byte of the text of each node.</summary>
    public byte[] Bytes { get; }

    /// <summary>The number of bytes of the text of each node.</summary>
    public byte[] Depths { get; }

    /// <summary>The node after the subtree of each node.</summary>
    public int[] Ends { get; }

    /// <summary>Where the tokens of each node begin in <see cref="Tokens"/>; one entry more than nodes.</summary>
    public int[] FirstTokens { get; }

    /// <summary>Ids in the order of their texts; different tokens may have the same text.</summary>
    public int[] Tokens { get; }

    /// <summary>The bytes of the longest text.</summary>
    public int Depth => Depths.Length == 0 ? 0 : Depths.Max();

    /// <summary>Whether a token stands for nothing but its text.</summary>
    public static bool IsText(Vocabulary vocabulary, int token) =>
        vocabulary.KindOf(token) is TokenKind.Normal or TokenKind.Byte && !vocabulary.EndOfGeneration.Contains(token);

    /// <summary>Builds the tree of a vocabulary.</summary>
    public static TokenTrie Build(Tokenizer tokenizer)
    {
        Vocabulary vocabulary = tokenizer.Vocabulary;
        int[] tokens =
        [
            .. Enumerable.Range(0, vocabulary.Count)
                .Where(id => IsText(vocabulary, id))
                .Where(id => tokenizer.BytesOf(id, showControl: false).Length is > 0 and <= MaxLength),
        ];
        Array.Sort(tokens, (a, b) => tokenizer.BytesOf(a, false).SequenceCompareTo(tokenizer.BytesOf(b, false)) is var order and not 0 ? order : a.CompareTo(b));

        List<byte> bytes = [], depths = [];
        List<int> ends = [], firstTokens = [], path = [];
        ReadOnlySpan<byte> before = [];
        for (int i = 0; i < tokens.Length; i++)
        {
            ReadOnlySpan<byte> text = tokenizer.BytesOf(tokens[i], showControl: false);
            int common = before.CommonPrefixLength(text);
            Close(common);
            for (int depth = common; depth < text.Length; depth++)
            {
                path.Add(bytes.Count);
                bytes.Add(text[depth]);
                depths.Add((byte)(depth + 1));
                ends.Add(0);
                firstTokens.Add(i);
            }

            before = text;
        }

        Close(0);
        firstTokens.Add(tokens.Length);
        return new TokenTrie([.. bytes], [.. depths], [.. ends], [.. firstTokens], tokens);

        void Close(int depth)
        {
            for (; path.Count > depth; path.RemoveAt(path.Count - 1))
            {
                ends[path[^1]] = bytes.Count;
            }
        }
    }
}
