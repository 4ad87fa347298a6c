using System.Text.Json;
using CpuMoe.Server.Errors;
using Microsoft.AspNetCore.Http;

namespace CpuMoe.Server.Ollama;

/// <summary>Errors as Ollama tells them: <c>{"error":"text"}</c>, in streams too.</summary>
internal sealed class OllamaErrors : ErrorShape
{
    /// <summary>The only instance.</summary>
    public static OllamaErrors Instance { get; } = new();

    /// <inheritdoc/>
    public override int StatusOf(ApiError error) => error.Kind == ApiErrorKind.QueueFull ? StatusCodes.Status503ServiceUnavailable : base.StatusOf(error);

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, ApiError error, string requestId)
    {
        writer.WriteStartObject();
        writer.WriteString("error", error.Kind == ApiErrorKind.Internal ? $"{error.Message} ({requestId})" : error.Message);
        writer.WriteEndObject();
    }
}
