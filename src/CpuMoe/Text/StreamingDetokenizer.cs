namespace CpuMoe.Text;

/// <summary>Decodes a stream of ids; never emits half a UTF-8 character.</summary>
/// <param name="tokenizer">The tokenizer whose ids are decoded.</param>
/// <param name="showControl">Whether control tokens appear as their literal text.</param>
public sealed class StreamingDetokenizer(Tokenizer tokenizer, bool showControl = false)
{
    /// <summary>Adds an id; returns the text that is complete now, possibly empty.</summary>
    public string Append(int id) => throw new NotImplementedException($"{tokenizer} {showControl}");

    /// <summary>Ends the stream: an incomplete tail becomes U+FFFD.</summary>
    public string Flush() => throw new NotImplementedException();
}
