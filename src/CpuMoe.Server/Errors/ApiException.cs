namespace CpuMoe.Server.Errors;

/// <summary>A request is answered with an error.</summary>
internal sealed class ApiException(ApiError error, Exception? inner = null) : Exception(error.Message, inner)
{
    /// <summary>What the client is told.</summary>
    public ApiError Error { get; } = error;

    /// <summary>A field that cannot be accepted.</summary>
    /// <param name="parameter">Its place, such as <c>messages[2].role</c>.</param>
    /// <param name="message">What is wrong and what to do.</param>
    public static ApiException Invalid(string? parameter, string message) =>
        new(new ApiError(ApiErrorKind.InvalidRequest, message) { Parameter = parameter });
}
