namespace CpuMoe.Server.Errors;

/// <summary>What went wrong, whatever a protocol calls it.</summary>
internal enum ApiErrorKind
{
    /// <summary>A field with a wrong type or value, or a feature that is not supported.</summary>
    InvalidRequest,

    /// <summary>The body is not JSON, or not UTF-8.</summary>
    InvalidJson,

    /// <summary>The body is of a type that is not accepted.</summary>
    UnsupportedMediaType,

    /// <summary>The prompt leaves no room for an answer.</summary>
    PromptTooLong,

    /// <summary>The API key is missing or wrong.</summary>
    Unauthenticated,

    /// <summary>Host or Origin are refused.</summary>
    Forbidden,

    /// <summary>There is no model of that name.</summary>
    ModelNotFound,

    /// <summary>There is nothing at that path.</summary>
    RouteNotFound,

    /// <summary>The path exists, but not for that method.</summary>
    MethodNotAllowed,

    /// <summary>The body is not arriving.</summary>
    RequestTimeout,

    /// <summary>The body is too large.</summary>
    RequestTooLarge,

    /// <summary>No room in the queue; a later request may succeed.</summary>
    QueueFull,

    /// <summary>All slots are in use, for those who asked about it or have waited too long.</summary>
    NoSlot,

    /// <summary>The answer took longer than the server allows.</summary>
    TimeLimit,

    /// <summary>The server shuts down.</summary>
    ShuttingDown,

    /// <summary>A fault of the server.</summary>
    Internal,
}
