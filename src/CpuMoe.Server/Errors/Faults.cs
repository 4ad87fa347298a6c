using CpuMoe.Chat.Templates;
using CpuMoe.Grammars;
using CpuMoe.Serving;
using Microsoft.AspNetCore.Http;

namespace CpuMoe.Server.Errors;

/// <summary>What a client is told of an exception.</summary>
internal static class Faults
{
    private static readonly TimeSpan QueueRetry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RestartRetry = TimeSpan.FromSeconds(30);

    /// <summary>A refusal because the server shuts down.</summary>
    public static ApiError ShuttingDown { get; } = new(ApiErrorKind.ShuttingDown, "The server is shutting down; try again when it is back.") { RetryAfter = RestartRetry };

    /// <summary>The error of an exception; <see cref="ApiErrorKind.Internal"/> for those that only a fault of the server explains.</summary>
    public static ApiError Describe(Exception fault) => fault switch
    {
        ApiException known => known.Error,
        PromptTooLongException tooLong => new ApiError(ApiErrorKind.PromptTooLong, tooLong.Message) { Lengths = (tooLong.Tokens, tooLong.ContextLength) },
        SchedulerBusyException { IsShuttingDown: true } => ShuttingDown,
        SchedulerBusyException => new ApiError(ApiErrorKind.QueueFull, "Too many requests are waiting; try again later.") { RetryAfter = QueueRetry },
        TimeLimitException { IsInQueue: true } limit => new ApiError(ApiErrorKind.NoSlot, $"{limit.Message} Try again later.") { RetryAfter = QueueRetry },
        TimeLimitException limit => new ApiError(ApiErrorKind.TimeLimit, $"{limit.Message} Ask for fewer tokens, or send a shorter prompt."),
        ChatTemplateException template => new ApiError(ApiErrorKind.InvalidRequest, $"The model's chat template refuses this conversation: {template.Message}") { Parameter = "messages" },
        GrammarException grammar => new ApiError(ApiErrorKind.InvalidRequest, $"The schema cannot be enforced: {grammar.Message}"),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => new ApiError(ApiErrorKind.RequestTooLarge, "The body of the request is too large."),
        BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout } => new ApiError(ApiErrorKind.RequestTimeout, "The body of the request did not arrive in time."),
        BadHttpRequestException => new ApiError(ApiErrorKind.InvalidRequest, "The request is malformed."),

        // The client is still there: only the end of the server cancels its work.
        OperationCanceledException => ShuttingDown,
        _ => new ApiError(ApiErrorKind.Internal, "The server failed to answer; its log tells more under the id of this request."),
    };
}
