using System.Buffers;
using System.Globalization;
using System.Text;
using CpuMoe.Gguf;

namespace CpuMoe.Text;

/// <summary>SentencePiece BPE as of Llama 1 and 2, <c>tokenizer.ggml.model = llama</c>.</summary>
/// <remarks>
/// Spaces are written as U+2581, and by default one is put before each text; decoding keeps it. In the whole text the
/// neighbours whose joint token has the highest score become one token until there are none. What is no token then is
/// written as its UTF-8 bytes, token by token, or as the unknown token where the vocabulary has no byte tokens.
/// </remarks>
internal sealed class SentencePieceTokenizer : Tokenizer
{
    private const char Space = '\u2581';
    private readonly bool _addSpacePrefix;
    private readonly int[]? _byteIds;
    private readonly uint[] _orders;
    private readonly int _longest;

    /// <exception cref="GgufFormatException">There are no scores, one is not a number, or nothing can stand for unknown text.</exception>
    internal SentencePieceTokenizer(GgufMetadata metadata, Vocabulary vocabulary)
        : base(vocabulary, (id, bytes) => Decode(metadata, vocabulary, id, bytes))
    {
        float[] scores = vocabulary.Scores
            ?? throw metadata.Fault(TokenizerKeys.Scores, "the token scores are missing; the conversion of the model was incomplete, use another file");
        if (Array.FindIndex(scores, float.IsNaN) is >= 0 and int faulty)
        {
            throw metadata.Fault(TokenizerKeys.Scores, $"the score of token {faulty} is not a number; the file is damaged, use another one");
        }

        _orders = Array.ConvertAll(scores, OrderOf);
        _longest = Enumerable.Range(0, vocabulary.Count).Max(id => vocabulary.TextOf(id).Length);
        _addSpacePrefix = metadata.GetBoolean(TokenizerKeys.AddSpacePrefix, true);
        int[] byteIds = [.. Enumerable.Range(0, 256).Select(b => vocabulary.Find($"<0x{b:X2}>"))];
        _byteIds = byteIds.Contains(-1) ? null : byteIds;
        if (_byteIds is null && vocabulary.Unknown < 0)
        {
            throw metadata.Fault(TokenizerKeys.Tokens, "there are neither the byte tokens <0x00> to <0xFF> nor an unknown token; the file is damaged or not supported");
        }
    }

    private protected override void EncodeRun(ReadOnlySpan<char> text, List<int> ids)
    {
        if (text.IsEmpty)
        {
            return;
        }

        char[] escaped = Escape(text);
        var merger = new SymbolMerger<JointTokens>(new JointTokens(this, escaped));
        for (int start = 0; start < escaped.Length;)
        {
            int length = char.IsHighSurrogate(escaped[start]) ? 2 : 1;
            merger.Add(length, Find(escaped.AsSpan(start, length)));
            start += length;
        }

        merger.Merge();
        for (int i = 0; i >= 0; i = merger[i].Next)
        {
            if (merger[i].Id >= 0)
            {
                ids.Add(merger[i].Id);
            }
            else
            {
                AddUnknown(escaped.AsSpan(merger[i].Start, merger[i].Length), ids);
            }
        }
    }

    /// <summary>The text with its spaces replaced and its lone surrogates made U+FFFD.</summary>
    private char[] Escape(ReadOnlySpan<char> text)
    {
        int prefix = _addSpacePrefix ? 1 : 0;
        var escaped = new char[prefix + text.Length];
        escaped[0] = Space;
        int at = prefix;
        foreach (Rune rune in text.EnumerateRunes())
        {
            at += (rune.Value == ' ' ? new Rune(Space) : rune).EncodeToUtf16(escaped.AsSpan(at));
        }

        return escaped;
    }

    private void AddUnknown(ReadOnlySpan<char> character, List<int> ids)
    {
        if (_byteIds is null)
        {
            ids.Add(Vocabulary.Unknown);
            return;
        }

        Span<byte> bytes = stackalloc byte[4];
        foreach (byte b in bytes[..Encoding.UTF8.GetBytes(character, bytes)])
        {
            ids.Add(_byteIds[b]);
        }
    }

    /// <summary>The token of a text, or -1; control, unknown and byte tokens are never made of plain text.</summary>
    private int Find(ReadOnlySpan<char> text)
    {
        int id = text.Length <= _longest ? Vocabulary.Find(text) : -1;
        return id >= 0 && Vocabulary.KindOf(id) is (TokenKind.Normal or TokenKind.UserDefined) ? id : -1;
    }

    /// <summary>Maps scores to integers in the opposite order: the bits of IEEE 754 numbers of one sign are ordered as they are.</summary>
    private static uint OrderOf(float score)
    {
        uint bits = BitConverter.SingleToUInt32Bits(score + 0f);
        return (int)bits < 0 ? bits : ~(bits | 0x8000_0000);
    }

    private static void Decode(GgufMetadata metadata, Vocabulary vocabulary, int id, ArrayBufferWriter<byte> bytes)
    {
        string text = vocabulary.TextOf(id);
        if (vocabulary.KindOf(id) != TokenKind.Byte)
        {
            Encoding.UTF8.GetBytes(text.Replace(Space, ' '), bytes);
        }
        else if (text.Length == 6 && text.StartsWith("<0x", StringComparison.Ordinal) && text[5] == '>'
            && byte.TryParse(text.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value))
        {
            bytes.Write([value]);
        }
        else
        {
            throw metadata.Fault(TokenizerKeys.Tokens, $"byte token {id} is '{text}' instead of <0x00> to <0xFF>; the file is damaged, use another one");
        }
    }

    /// <summary>Two neighbours merge where their joint text is a token; the highest score comes first.</summary>
    private readonly struct JointTokens(SentencePieceTokenizer tokenizer, char[] text) : IMergeRule
    {
        public bool TryMerge(in Symbol left, in Symbol right, out uint order, out int id)
        {
            id = tokenizer.Find(text.AsSpan(left.Start, left.Length + right.Length));
            order = id < 0 ? 0 : tokenizer._orders[id];
            return id >= 0;
        }
    }
}
