using System.Buffers;
using System.Text;
using CpuMoe.Gguf;
using CpuMoe.Text.PreTokenization;

namespace CpuMoe.Text;

/// <summary>Byte-level BPE, <c>tokenizer.ggml.model = gpt2</c>.</summary>
/// <remarks>
/// The text is split into pieces; in each piece every byte is a token, and the neighbours that come first in the list
/// of merges become one token until no merge applies. A byte that has no token of its own and is in no merge is left
/// out; vocabularies lack only bytes that no assigned character has.
/// </remarks>
internal sealed class ByteLevelBpeTokenizer : Tokenizer
{
    private readonly PreTokenizer _preTokenizer;
    private readonly int[] _byteIds = new int[256];
    private readonly MergeList _merges;

    /// <exception cref="GgufFormatException">The pre-tokenizer is not supported, or the merges do not fit the vocabulary.</exception>
    internal ByteLevelBpeTokenizer(GgufMetadata metadata, Vocabulary vocabulary)
        : base(vocabulary, (id, bytes) => ByteLevelAlphabet.Decode(vocabulary.TextOf(id), bytes))
    {
        string name = metadata.GetString(TokenizerKeys.PreTokenizer);
        _preTokenizer = PreTokenizer.Find(name)
            ?? throw metadata.Fault(TokenizerKeys.PreTokenizer, $"the pre-tokenizer '{name}' is not supported; supported are {PreTokenizer.Names}");
        _merges = new MergeList(metadata, vocabulary);
        for (int b = 0; b < 256; b++)
        {
            _byteIds[b] = FindNormal([ByteLevelAlphabet.CharOf((byte)b)]);
        }
    }

    private protected override void EncodeRun(ReadOnlySpan<char> text, List<int> ids)
    {
        if (text.IsEmpty)
        {
            return;
        }

        var merger = new SymbolMerger<MergeList>(_merges);
        byte[] bytes = ArrayPool<byte>.Shared.Rent(256);
        int start = 0;
        foreach (int end in _preTokenizer.Split(text))
        {
            ReadOnlySpan<char> piece = text[start..end];
            start = end;
            if (bytes.Length < Encoding.UTF8.GetMaxByteCount(piece.Length))
            {
                ArrayPool<byte>.Shared.Return(bytes);
                bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(piece.Length));
            }

            int count = Encoding.UTF8.GetBytes(piece, bytes);
            EncodePiece(bytes.AsSpan(0, count), merger, ids);
        }

        ArrayPool<byte>.Shared.Return(bytes);
    }

    private void EncodePiece(ReadOnlySpan<byte> piece, SymbolMerger<MergeList> merger, List<int> ids)
    {
        if (_preTokenizer.WholePieceFirst && FindWhole(piece) is >= 0 and int whole)
        {
            ids.Add(whole);
            return;
        }

        merger.Clear();
        foreach (byte b in piece)
        {
            merger.Add(1, _byteIds[b]);
        }

        merger.Merge();
        for (int i = 0; i >= 0; i = merger[i].Next)
        {
            if (merger[i].Id >= 0)
            {
                ids.Add(merger[i].Id);
            }
        }
    }

    /// <summary>The token that is exactly the piece, or -1.</summary>
    private int FindWhole(ReadOnlySpan<byte> piece)
    {
        const int Longest = 512;
        if (piece.Length > Longest)
        {
            return -1;
        }

        Span<char> text = stackalloc char[Longest];
        for (int i = 0; i < piece.Length; i++)
        {
            text[i] = ByteLevelAlphabet.CharOf(piece[i]);
        }

        return FindNormal(text[..piece.Length]);
    }

    /// <summary>The normal token of a byte-mapped text, or -1; special tokens are never made of plain text.</summary>
    private int FindNormal(ReadOnlySpan<char> text)
    {
        int id = Vocabulary.Find(text);
        return id >= 0 && Vocabulary.KindOf(id) == TokenKind.Normal ? id : -1;
    }
}
