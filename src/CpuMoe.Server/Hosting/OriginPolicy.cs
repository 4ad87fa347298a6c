using System.Net;
using CpuMoe.Server.Errors;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace CpuMoe.Server.Hosting;

/// <summary>Keeps web pages of strangers away from a server that only its user should reach.</summary>
/// <remarks>
/// A page can send requests to 127.0.0.1, and read the answers once its own name resolves to it (DNS rebinding). So over
/// the loopback interface only names that cannot be a stranger's are accepted, and everywhere only origins that the user
/// has allowed or that are the server itself.
/// </remarks>
internal sealed class OriginPolicy(ServerOptions options)
{
    private const string AllowedHeaders = "authorization, content-type, x-api-key, anthropic-version, anthropic-beta, "
        + "x-stainless-arch, x-stainless-lang, x-stainless-os, x-stainless-package-version, x-stainless-retry-count, "
        + "x-stainless-runtime, x-stainless-runtime-version, x-stainless-timeout, x-stainless-helper-method";

    /// <summary>Refuses names and origins of strangers.</summary>
    /// <param name="http">The request.</param>
    /// <param name="isPublic">Whether pages may link to what is asked for.</param>
    /// <exception cref="ApiException">The request is refused.</exception>
    public void Check(HttpContext http, bool isPublic)
    {
        HttpRequest request = http.Request;
        if (http.Connection.LocalIpAddress is { } address && IPAddress.IsLoopback(address) && !IsLocal(request.Host.Host))
        {
            throw Forbidden("This name of the host is not allowed on the loopback interface; use localhost, or allow the name with --allowed-host.");
        }

        string? origin = request.Headers.Origin;
        bool isForeign = origin is not null ? !IsAllowed(origin) && !IsSame(origin, request)
            : !isPublic && request.Headers["Sec-Fetch-Site"] == "cross-site";
        if (isForeign)
        {
            throw Forbidden("Pages of this origin are not allowed to use the server; --cors-origin allows an origin.");
        }
    }

    /// <summary>Lets pages of allowed origins read the response.</summary>
    public void AddHeaders(HttpContext http)
    {
        string? origin = http.Request.Headers.Origin;
        if (origin is null || !IsAllowed(origin))
        {
            return;
        }

        IHeaderDictionary headers = http.Response.Headers;
        headers.AccessControlAllowOrigin = origin;
        headers.AccessControlExposeHeaders = "x-request-id, request-id, retry-after";
        headers.Append(HeaderNames.Vary, HeaderNames.Origin);
    }

    /// <summary>Answers a browser's question whether a page may send a request.</summary>
    public static void AnswerPreflight(HttpContext http, string methods)
    {
        HttpResponse response = http.Response;
        response.StatusCode = StatusCodes.Status204NoContent;
        response.Headers.AccessControlAllowMethods = methods;
        response.Headers.AccessControlAllowHeaders = AllowedHeaders;
        response.Headers.AccessControlMaxAge = "600";
    }

    private bool IsAllowed(string origin) => options.CorsOrigins.Contains(origin, StringComparer.OrdinalIgnoreCase);

    private static bool IsSame(string origin, HttpRequest request) =>
        string.Equals(origin, $"{request.Scheme}://{request.Host.Value}", StringComparison.OrdinalIgnoreCase);

    // Only HTTP/1.0 has requests without a name; browsers do not speak it.
    private bool IsLocal(string host) => host.Length == 0
        || host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out IPAddress? address) && IPAddress.IsLoopback(address))
        || options.AllowedHosts.Contains(host, StringComparer.OrdinalIgnoreCase);

    private static ApiException Forbidden(string message) => new(new ApiError(ApiErrorKind.Forbidden, message));
}
