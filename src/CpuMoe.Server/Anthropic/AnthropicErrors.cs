using System.Text.Json;
using CpuMoe.Server.Errors;

namespace CpuMoe.Server.Anthropic;

/// <summary>Errors as Anthropic tells them: <c>{"type":"error","error":{"type","message"},"request_id"}</c>.</summary>
internal sealed class AnthropicErrors : ErrorShape
{
    /// <summary>The only instance.</summary>
    public static AnthropicErrors Instance { get; } = new();

    /// <inheritdoc/>
    public override string RequestIdHeader => "request-id";

    /// <inheritdoc/>
    public override string EventName => "error";

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, ApiError error, string requestId)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "error");
        writer.WriteStartObject("error");
        writer.WriteString("type", TypeOf(error.Kind));
        writer.WriteString("message", MessageOf(error));
        writer.WriteEndObject();
        writer.WriteString("request_id", requestId);
        writer.WriteEndObject();
    }

    // Claude Code reads the numbers from these words.
    private static string MessageOf(ApiError error) => error.Kind == ApiErrorKind.PromptTooLong
        ? $"prompt is too long: {error.Lengths.Tokens} tokens > {error.Lengths.ContextLength} maximum"
        : error.Message;

    private static string TypeOf(ApiErrorKind kind) => kind switch
    {
        ApiErrorKind.Unauthenticated => "authentication_error",
        ApiErrorKind.Forbidden => "permission_error",
        ApiErrorKind.ModelNotFound or ApiErrorKind.RouteNotFound => "not_found_error",
        ApiErrorKind.RequestTooLarge => "request_too_large",
        ApiErrorKind.RequestTimeout or ApiErrorKind.TimeLimit => "timeout_error",
        ApiErrorKind.QueueFull => "rate_limit_error",
        ApiErrorKind.NoSlot or ApiErrorKind.ShuttingDown => "overloaded_error",
        ApiErrorKind.Internal => "api_error",
        _ => "invalid_request_error",
    };
}
