using System.Buffers;
using System.Text.Json;
using CpuMoe.Server.Errors;
using CpuMoe.Server.Streaming;
using Microsoft.AspNetCore.Http;

namespace CpuMoe.Server.Ollama;

/// <summary>A stream of JSON objects, one on each line.</summary>
/// <param name="http">The request.</param>
/// <param name="silence">The longest time without a byte.</param>
/// <param name="createEmpty">Makes a line that says nothing, the only sign of life that clients of this protocol understand.</param>
internal sealed class JsonLineStream(HttpContext http, TimeSpan silence, Func<OllamaReply> createEmpty) : ReplyStream(http, "application/x-ndjson", silence)
{
    private readonly ArrayBufferWriter<byte> _buffer = new();

    /// <summary>Sends a line.</summary>
    public ValueTask SendAsync(OllamaReply line) => SendLineAsync(writer => JsonSerializer.Serialize(writer, line, OllamaJson.Default.OllamaReply));

    /// <inheritdoc/>
    public override ValueTask WriteErrorAsync(ErrorShape shape, ApiError error, string requestId) => SendLineAsync(writer => shape.Write(writer, error, requestId));

    /// <inheritdoc/>
    protected override ValueTask WriteKeepAliveAsync() => SendAsync(createEmpty());

    private ValueTask SendLineAsync(Action<Utf8JsonWriter> write)
    {
        _buffer.ResetWrittenCount();
        using (Utf8JsonWriter writer = new(_buffer, ApiJson.WriterOptions))
        {
            write(writer);
        }

        _buffer.Write("\n"u8);
        return SendAsync(_buffer.WrittenMemory);
    }
}
