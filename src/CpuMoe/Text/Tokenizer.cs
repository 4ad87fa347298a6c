using System.Buffers;
using System.Text;
using CpuMoe.Gguf;

namespace CpuMoe.Text;

/// <summary>A run of text; special tokens are recognised in it only where it is trusted.</summary>
/// <param name="Text">The text.</param>
/// <param name="ParseSpecial">Whether control tokens written in it become their ids (template text) or stay plain text (user text).</param>
public readonly record struct TextSegment(string Text, bool ParseSpecial);

/// <summary>Turns text into token ids and back.</summary>
/// <remarks>
/// Instances are immutable and may be used by several threads. Special tokens are cut out first: control and unknown
/// tokens only where they lie wholly in text with <see cref="TextSegment.ParseSpecial"/>, user-defined ones everywhere,
/// as they are part of the visible text. Lone surrogates are read as U+FFFD.
/// </remarks>
public abstract class Tokenizer
{
    private readonly SpecialTokens _special;
    private readonly TokenBytes _bytes;

    private protected Tokenizer(Vocabulary vocabulary, Action<int, ArrayBufferWriter<byte>> decode)
    {
        Vocabulary = vocabulary;
        _special = new SpecialTokens(vocabulary);
        _bytes = new TokenBytes(vocabulary, decode);
    }

    /// <summary>Creates the tokenizer that the metadata describes.</summary>
    /// <exception cref="GgufFormatException">The keys are missing, contradict each other, or name an unsupported tokenizer.</exception>
    public static Tokenizer FromGguf(GgufMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        string model = metadata.GetString(TokenizerKeys.Model);
        Tokenizer tokenizer = model switch
        {
            TokenizerKeys.ByteLevelBpeModel => new ByteLevelBpeTokenizer(metadata, Vocabulary.FromGguf(metadata)),
            TokenizerKeys.SentencePieceModel => new SentencePieceTokenizer(metadata, Vocabulary.FromGguf(metadata)),
            _ => throw metadata.Fault(
                TokenizerKeys.Model,
                $"the tokenizer '{model}' is not supported; supported are {TokenizerKeys.ByteLevelBpeModel} (byte-level BPE) and {TokenizerKeys.SentencePieceModel} (SentencePiece)"),
        };
        tokenizer.ChatTemplate = metadata.TryGetString(TokenizerKeys.ChatTemplate, out string? template) ? template : null;
        return tokenizer;
    }

    /// <summary>The tokens.</summary>
    public Vocabulary Vocabulary { get; }

    /// <summary>The Jinja source of the template that turns conversations into text, or null.</summary>
    public string? ChatTemplate { get; private set; }

    /// <summary>Encodes one text; no BOS is added.</summary>
    public int[] Encode(string text, bool parseSpecial) => Encode([new TextSegment(text, parseSpecial)]);

    /// <summary>Encodes the concatenation of the segments as one text; no BOS is added.</summary>
    public int[] Encode(ReadOnlySpan<TextSegment> segments)
    {
        string text = Join(segments, out List<Range> trusted);
        var ids = new List<int>(text.Length / 3);
        int at = 0;
        foreach (SpecialMatch match in _special.Find(text, trusted))
        {
            EncodeRun(text.AsSpan(at, match.Start - at), ids);
            ids.Add(match.Id);
            at = match.Start + match.Length;
        }

        EncodeRun(text.AsSpan(at), ids);
        return [.. ids];
    }

    /// <summary>Appends the bytes that a token stands for; control tokens stand for none unless <paramref name="showControl"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is not one of the vocabulary's.</exception>
    public void AppendBytes(int id, bool showControl, IBufferWriter<byte> destination) => destination.Write(BytesOf(id, showControl));

    /// <summary>Decodes ids to text; ill-formed UTF-8 becomes U+FFFD.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is not one of the vocabulary's.</exception>
    public string Decode(ReadOnlySpan<int> ids, bool showControl = false)
    {
        var bytes = new ArrayBufferWriter<byte>(4 * ids.Length + 1);
        foreach (int id in ids)
        {
            AppendBytes(id, showControl, bytes);
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    /// <summary>The bytes that a token stands for; unused tokens stand for none, control and unknown ones only if shown.</summary>
    internal ReadOnlySpan<byte> BytesOf(int id, bool showControl)
    {
        if ((uint)id >= (uint)Vocabulary.Count)
        {
            throw new ArgumentOutOfRangeException(nameof(id), id, $"The vocabulary has {Vocabulary.Count} tokens.");
        }

        bool hidden = !showControl && Vocabulary.KindOf(id) is (TokenKind.Control or TokenKind.Unknown);
        return hidden ? [] : _bytes[id];
    }

    /// <summary>Encodes text between special tokens, possibly empty.</summary>
    private protected abstract void EncodeRun(ReadOnlySpan<char> text, List<int> ids);

    private static string Join(ReadOnlySpan<TextSegment> segments, out List<Range> trusted)
    {
        trusted = [];
        var text = new StringBuilder();
        foreach (TextSegment segment in segments)
        {
            int start = text.Length;
            text.Append(segment.Text);
            if (!segment.ParseSpecial)
            {
                continue;
            }

            // A token may lie across the border of two trusted segments.
            if (trusted.Count > 0 && trusted[^1].End.Value == start)
            {
                start = trusted[^1].Start.Value;
                trusted.RemoveAt(trusted.Count - 1);
            }

            trusted.Add(start..text.Length);
        }

        return text.ToString();
    }
}
