using CpuMoe.Server.Hosting;
using Microsoft.AspNetCore.Http;

namespace CpuMoe.Server.Operations;

/// <summary>Tells whether the server takes requests, in the shape of llama.cpp's server.</summary>
internal static class HealthEndpoints
{
    /// <summary>Maps the endpoints.</summary>
    public static void Map(ApiRoutes routes)
    {
        routes.MapGet("/health", AnswerAsync, isPublic: true);
        routes.MapGet("/v1/health", AnswerAsync, isPublic: true);
    }

    private static Task AnswerAsync(ApiCall call)
    {
        if (!call.Server.IsShuttingDown)
        {
            return call.WriteJsonAsync(new HealthResponse("ok"), OperationsJson.Default.HealthResponse);
        }

        HealthFault fault = new(StatusCodes.Status503ServiceUnavailable, "The server is shutting down", "unavailable_error");
        return call.WriteJsonAsync(new HealthFaultResponse(fault), OperationsJson.Default.HealthFaultResponse, fault.Code);
    }
}
