using CpuMoe.Server.Hosting;
using CpuMoe.Server.OpenAi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace CpuMoe.Server.Operations;

/// <summary>What people script against: the paths of llama.cpp's server beside the APIs.</summary>
internal static class OperationsEndpoints
{
    /// <summary>Maps the endpoints.</summary>
    public static void Map(IEndpointRouteBuilder endpoints)
    {
        ApiRoutes routes = new(endpoints, OpenAiErrors.Instance);
        IApplicationBuilder exporter = endpoints.CreateApplicationBuilder();
        RequestDelegate scrape = exporter.UseOpenTelemetryPrometheusScrapingEndpoint(_ => true).Build();
        HealthEndpoints.Map(routes);
        StateEndpoints.Map(routes, scrape);
        TextEndpoints.Map(routes);
    }
}
