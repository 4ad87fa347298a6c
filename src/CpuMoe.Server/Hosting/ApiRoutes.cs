using CpuMoe.Server.Errors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CpuMoe.Server.Hosting;

/// <summary>Maps the endpoints of one protocol; all requests pass an <see cref="ApiPipeline"/>.</summary>
/// <param name="endpoints">Where they are mapped.</param>
/// <param name="errors">How the protocol tells errors.</param>
internal sealed class ApiRoutes(IEndpointRouteBuilder endpoints, ErrorShape errors)
{
    private readonly ServerContext _server = endpoints.ServiceProvider.GetRequiredService<ServerContext>();
    private readonly ILogger _logger = endpoints.ServiceProvider.GetRequiredService<ILoggerFactory>().CreateLogger("CpuMoe.Server");

    /// <summary>Maps an endpoint that is read.</summary>
    /// <param name="pattern">The path.</param>
    /// <param name="handler">Answers.</param>
    /// <param name="isPublic">Whether it needs no key and answers while the server shuts down.</param>
    public void MapGet(string pattern, Func<ApiCall, Task> handler, bool isPublic = false) =>
        Map(new ApiRoute(pattern, HttpMethods.Get, errors, handler) { IsPublic = isPublic });

    /// <summary>Maps an endpoint that is sent something.</summary>
    public void MapPost(string pattern, Func<ApiCall, Task> handler) => Map(new ApiRoute(pattern, HttpMethods.Post, errors, handler));

    /// <summary>Answers all other paths of a pattern with the protocol's error, whatever the method.</summary>
    public void MapNothing(string pattern)
    {
        ApiRoute route = new(pattern, HttpMethods.Get, errors, _ => Task.CompletedTask);
        ApiPipeline get = new(_server, route with { Handler = NotFound }, _logger), post = new(_server, route with { Method = HttpMethods.Post, Handler = NotFound }, _logger);
        endpoints.Map(pattern, http => (HttpMethods.IsPost(http.Request.Method) ? post : get).InvokeAsync(http)).WithOrder(int.MaxValue);
    }

    // One endpoint for all methods, so that a wrong one gets an error of the protocol too.
    private void Map(ApiRoute route) => endpoints.Map(route.Pattern, new ApiPipeline(_server, route, _logger).InvokeAsync);

    private static Task NotFound(ApiCall call) => throw new ApiException(new ApiError(ApiErrorKind.RouteNotFound, "There is nothing at this path."));
}
