namespace CpuMoe.Server.Errors;

/// <summary>An error as all protocols can tell it. Nothing in it tells of other requests, of files or of the code.</summary>
/// <param name="Kind">What went wrong.</param>
/// <param name="Message">The field, the value and the remedy, for the one who sent the request.</param>
internal sealed record ApiError(ApiErrorKind Kind, string Message)
{
    /// <summary>The place in the request, such as <c>messages[2].role</c>; null where there is none.</summary>
    public string? Parameter { get; init; }

    /// <summary>When a retry may succeed; null where it will not or where nothing is known.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The methods that the path has, for <see cref="ApiErrorKind.MethodNotAllowed"/>.</summary>
    public string? AllowedMethods { get; init; }

    /// <summary>Tokens of the prompt and of the context, for <see cref="ApiErrorKind.PromptTooLong"/>.</summary>
    public (int Tokens, int ContextLength) Lengths { get; init; }
}
