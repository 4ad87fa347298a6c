using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CpuMoe.Server.Errors;
using Microsoft.AspNetCore.Http;

namespace CpuMoe.Server.Streaming;

/// <summary>Server-sent events, https://html.spec.whatwg.org/multipage/server-sent-events.html.</summary>
/// <param name="http">The request.</param>
/// <param name="silence">The longest time without a byte.</param>
internal class EventStream(HttpContext http, TimeSpan silence) : ReplyStream(http, "text/event-stream; charset=utf-8", silence)
{
    private static readonly byte[] Comment = ": keep-alive\n\n"u8.ToArray();

    private readonly ArrayBufferWriter<byte> _buffer = new();

    /// <summary>Sends an event whose data is JSON.</summary>
    /// <param name="data">The data.</param>
    /// <param name="type">How it is written.</param>
    /// <param name="name">The name of the event; null for one without.</param>
    public ValueTask SendAsync<T>(T data, JsonTypeInfo<T> type, string? name = null) =>
        SendEventAsync(name, writer => JsonSerializer.Serialize(writer, data, type));

    /// <summary>Sends an event whose data is a word.</summary>
    public ValueTask SendAsync(string data) => SendAsync(Encoding.UTF8.GetBytes($"data: {data}\n\n"));

    /// <inheritdoc/>
    public override ValueTask WriteErrorAsync(ErrorShape shape, ApiError error, string requestId) =>
        SendEventAsync(shape.EventName, writer => shape.Write(writer, error, requestId));

    /// <inheritdoc/>
    protected override ValueTask WriteKeepAliveAsync() => SendAsync(Comment);

    private ValueTask SendEventAsync(string? name, Action<Utf8JsonWriter> write)
    {
        _buffer.ResetWrittenCount();
        if (name is not null)
        {
            _buffer.Write(Encoding.UTF8.GetBytes($"event: {name}\n"));
        }

        _buffer.Write("data: "u8);
        using (Utf8JsonWriter writer = new(_buffer, ApiJson.WriterOptions))
        {
            write(writer);
        }

        _buffer.Write("\n\n"u8);
        return SendAsync(_buffer.WrittenMemory);
    }
}
