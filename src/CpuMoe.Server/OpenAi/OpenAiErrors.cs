using System.Text.Json;
using CpuMoe.Server.Errors;

namespace CpuMoe.Server.OpenAi;

/// <summary>Errors as OpenAI tells them: <c>{"error":{"message","type","param","code"}}</c>.</summary>
internal sealed class OpenAiErrors : ErrorShape
{
    /// <summary>The only instance.</summary>
    public static OpenAiErrors Instance { get; } = new();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, ApiError error, string requestId)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("error");
        writer.WriteString("message", MessageOf(error, requestId));
        writer.WriteString("type", TypeOf(error.Kind));
        writer.WriteString("param", error.Parameter);
        writer.WriteString("code", CodeOf(error));
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    // SDKs and agents look for these words.
    private static string MessageOf(ApiError error, string requestId) => error.Kind switch
    {
        ApiErrorKind.PromptTooLong => $"This model's maximum context length is {error.Lengths.ContextLength} tokens. However, your messages resulted in {error.Lengths.Tokens} tokens.",
        ApiErrorKind.Internal => $"{error.Message} ({requestId})",
        _ => error.Message,
    };

    private static string TypeOf(ApiErrorKind kind) => kind switch
    {
        ApiErrorKind.Forbidden => "permission_error",
        ApiErrorKind.QueueFull => "rate_limit_error",
        ApiErrorKind.Internal or ApiErrorKind.NoSlot or ApiErrorKind.TimeLimit or ApiErrorKind.ShuttingDown => "server_error",
        _ => "invalid_request_error",
    };

    private static string? CodeOf(ApiError error) => error.Kind switch
    {
        ApiErrorKind.InvalidRequest when error.Parameter is not null => "invalid_value",
        ApiErrorKind.InvalidJson => "invalid_json",
        ApiErrorKind.PromptTooLong => "context_length_exceeded",
        ApiErrorKind.Unauthenticated => "invalid_api_key",
        ApiErrorKind.ModelNotFound => "model_not_found",
        ApiErrorKind.RouteNotFound => "not_found",
        ApiErrorKind.MethodNotAllowed => "method_not_allowed",
        ApiErrorKind.RequestTooLarge => "request_too_large",
        ApiErrorKind.QueueFull => "queue_full",
        ApiErrorKind.NoSlot => "no_slot",
        ApiErrorKind.TimeLimit => "time_limit",
        ApiErrorKind.ShuttingDown => "shutting_down",
        _ => null,
    };
}
