using System.Text;

namespace CpuMoe.Text;

/// <summary>Decodes a stream of ids; never emits half a UTF-8 character.</summary>
/// <remarks>
/// All the returned texts together are what <see cref="Tokenizer.Decode"/> makes of all the ids: ill-formed parts become
/// U+FFFD, and at most three bytes, the beginning of a character, are held back.
/// </remarks>
/// <param name="tokenizer">The tokenizer whose ids are decoded.</param>
/// <param name="showControl">Whether control tokens appear as their literal text.</param>
public sealed class StreamingDetokenizer(Tokenizer tokenizer, bool showControl = false)
{
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

    /// <summary>Adds an id; returns the text that is complete now, possibly empty.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is not one of the vocabulary's.</exception>
    public string Append(int id) => Decode(tokenizer.BytesOf(id, showControl), flush: false);

    /// <summary>Ends the stream: an incomplete tail becomes U+FFFD. A new stream may follow.</summary>
    public string Flush() => Decode([], flush: true);

    private string Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        const int OnStack = 256;
        int most = Encoding.UTF8.GetMaxCharCount(bytes.Length);
        Span<char> chars = most <= OnStack ? stackalloc char[OnStack] : new char[most];
        return new string(chars[.._decoder.GetChars(bytes, chars, flush)]);
    }
}
