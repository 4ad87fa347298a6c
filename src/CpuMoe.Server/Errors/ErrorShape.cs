using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace CpuMoe.Server.Errors;

/// <summary>How a protocol tells errors: their status codes and the JSON of their bodies. One instance per protocol.</summary>
internal abstract class ErrorShape
{
    /// <summary>How ids of requests begin.</summary>
    public virtual string RequestIdPrefix => "req_";

    /// <summary>The header of responses that tells the id of the request.</summary>
    public virtual string RequestIdHeader => "x-request-id";

    /// <summary>The name of the event that tells an error in a stream that has begun; null for an event without a name.</summary>
    public virtual string? EventName => null;

    /// <summary>The status code of an error.</summary>
    public virtual int StatusOf(ApiError error) => error.Kind switch
    {
        ApiErrorKind.Unauthenticated => StatusCodes.Status401Unauthorized,
        ApiErrorKind.Forbidden => StatusCodes.Status403Forbidden,
        ApiErrorKind.ModelNotFound or ApiErrorKind.RouteNotFound => StatusCodes.Status404NotFound,
        ApiErrorKind.MethodNotAllowed => StatusCodes.Status405MethodNotAllowed,
        ApiErrorKind.RequestTimeout => StatusCodes.Status408RequestTimeout,
        ApiErrorKind.RequestTooLarge => StatusCodes.Status413PayloadTooLarge,
        ApiErrorKind.UnsupportedMediaType => StatusCodes.Status415UnsupportedMediaType,
        ApiErrorKind.QueueFull => StatusCodes.Status429TooManyRequests,
        ApiErrorKind.Internal => StatusCodes.Status500InternalServerError,
        ApiErrorKind.TimeLimit => StatusCodes.Status504GatewayTimeout,
        ApiErrorKind.NoSlot or ApiErrorKind.ShuttingDown => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status400BadRequest,
    };

    /// <summary>Writes the whole body, one JSON object.</summary>
    public abstract void Write(Utf8JsonWriter writer, ApiError error, string requestId);
}
