using System.Diagnostics;
using CpuMoe.Server.Errors;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace CpuMoe.Server.Hosting;

/// <summary>What happens to every request: an id, the checks in front of its endpoint, errors in the shape of its protocol, the log.</summary>
internal sealed partial class ApiPipeline(ServerContext server, ApiRoute route, ILogger logger)
{
    private const int ClientClosedRequest = 499; // By convention; it is only logged.

    /// <summary>Handles a request.</summary>
    public async Task InvokeAsync(HttpContext http)
    {
        long start = Stopwatch.GetTimestamp();
        ApiCall call = new(server, http, route);
        http.Response.Headers[route.Errors.RequestIdHeader] = call.Id;
        int status;
        try
        {
            status = await AnswerAsync(call);
        }
        catch (Exception fault) when (call.Aborted.IsCancellationRequested && fault is OperationCanceledException or IOException)
        {
            server.Metrics.ClientGone();
            status = ClientClosedRequest;
        }

        TimeSpan duration = Stopwatch.GetElapsedTime(start);
        LogRequest(logger, call.Id, http.Request.Method, route.Pattern, status, duration);
    }

    private async Task<int> AnswerAsync(ApiCall call)
    {
        try
        {
            await CheckAndHandleAsync(call);
            return call.Http.Response.StatusCode;
        }
        catch (Exception fault) when (!call.Aborted.IsCancellationRequested)
        {
            ApiError error = Faults.Describe(fault);
            if (error.Kind == ApiErrorKind.Internal)
            {
                LogFault(logger, fault, call.Id);
            }

            await call.FailAsync(error);
            return route.Errors.StatusOf(error);
        }
    }

    private async Task CheckAndHandleAsync(ApiCall call)
    {
        HttpContext http = call.Http;
        string method = http.Request.Method;
        server.Origins.Check(http, route.IsPublic);
        server.Origins.AddHeaders(http);
        if (HttpMethods.IsOptions(method))
        {
            OriginPolicy.AnswerPreflight(http, route.AllowedMethods);
            return;
        }

        if (!route.IsPublic && !server.Keys.Allow(http.Request))
        {
            throw new ApiException(new ApiError(ApiErrorKind.Unauthenticated, "The API key is missing or wrong; send it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'."));
        }

        if (method != route.Method && !(HttpMethods.IsHead(method) && HttpMethods.IsGet(route.Method)))
        {
            throw new ApiException(new ApiError(ApiErrorKind.MethodNotAllowed, $"This path answers {route.Method}, not {method}.") { AllowedMethods = route.AllowedMethods });
        }

        if (http.Request.Headers.Origin.Count > 0 && HttpMethods.IsPost(method) && !http.Request.HasJsonContentType())
        {
            // A page can send other types without asking first.
            throw new ApiException(new ApiError(ApiErrorKind.UnsupportedMediaType, "Requests of web pages must have the content type application/json."));
        }

        if (server.IsShuttingDown && !route.IsPublic)
        {
            throw new ApiException(Faults.ShuttingDown);
        }

        await route.Handler(call);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Id} {Method} {Route} {Status} in {Duration}")]
    private static partial void LogRequest(ILogger logger, string id, string method, string route, int status, TimeSpan duration);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Id} failed")]
    private static partial void LogFault(ILogger logger, Exception fault, string id);
}
