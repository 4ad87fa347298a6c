using System.Buffers;
using CpuMoe.Gguf;

namespace CpuMoe.Text;

/// <summary>A run of text; special tokens are recognised in it only where it is trusted.</summary>
/// <param name="Text">The text.</param>
/// <param name="ParseSpecial">Whether control tokens written in it become their ids (template text) or stay plain text (user text).</param>
public readonly record struct TextSegment(string Text, bool ParseSpecial);

/// <summary>Turns text into token ids and back.</summary>
public abstract class Tokenizer
{
    /// <summary>Creates the tokenizer that the metadata describes.</summary>
    /// <exception cref="GgufFormatException">The keys are missing, contradict each other, or name an unsupported tokenizer.</exception>
    public static Tokenizer FromGguf(GgufMetadata metadata) => throw new NotImplementedException();

    /// <summary>The tokens.</summary>
    public abstract Vocabulary Vocabulary { get; }

    /// <summary>Encodes one text; no BOS is added.</summary>
    public int[] Encode(string text, bool parseSpecial) => Encode([new TextSegment(text, parseSpecial)]);

    /// <summary>Encodes the concatenation of the segments as one text; no BOS is added.</summary>
    public abstract int[] Encode(ReadOnlySpan<TextSegment> segments);

    /// <summary>Appends the bytes that a token stands for; control tokens stand for none unless <paramref name="showControl"/>.</summary>
    public abstract void AppendBytes(int id, bool showControl, IBufferWriter<byte> destination);

    /// <summary>Decodes ids to text; ill-formed UTF-8 becomes U+FFFD.</summary>
    public string Decode(ReadOnlySpan<int> ids, bool showControl = false) => throw new NotImplementedException();
}
