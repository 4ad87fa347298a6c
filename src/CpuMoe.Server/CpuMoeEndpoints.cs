using CpuMoe.Server.Anthropic;
using CpuMoe.Server.Hosting;
using CpuMoe.Server.Ollama;
using CpuMoe.Server.OpenAi;
using CpuMoe.Server.Operations;
using CpuMoe.Server.Page;
using CpuMoe.Server.Responses;
using Microsoft.AspNetCore.Routing;

namespace CpuMoe.Server;

/// <summary>Maps the endpoints into an application.</summary>
public static class CpuMoeEndpoints
{
    /// <summary>
    /// Maps all endpoints. They need <see cref="CpuMoeServices.AddCpuMoeServer(Microsoft.Extensions.DependencyInjection.IServiceCollection, Serving.ChatEngine, Action{ServerOptions}?)"/>,
    /// check keys, hosts and origins themselves, and answer other paths below <c>/v1</c> with an error of the API.
    /// </summary>
    /// <remarks>
    /// To add a protocol: an <see cref="Errors.ErrorShape"/> for its errors, a static class that maps its paths with
    /// <see cref="ApiRoutes"/>, and a line here. A handler reads its request with <see cref="ApiCall.ReadJsonAsync"/> and
    /// <see cref="Requests.RequestValue"/>, submits it, and writes the answer with <c>ApiCall.WriteJsonAsync</c> or, after
    /// <see cref="ApiCall.StartAsync"/>, a <see cref="Streaming.ReplyStream"/>. It throws for errors; the pipeline tells them.
    /// </remarks>
    public static void MapCpuMoe(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        OperationsEndpoints.Map(endpoints);
        OpenAiEndpoints.Map(endpoints);
        ResponsesEndpoint.Map(endpoints);
        AnthropicEndpoints.Map(endpoints);
        OllamaEndpoints.Map(endpoints);
        ChatPage.Map(endpoints);
        new ApiRoutes(endpoints, OpenAiErrors.Instance).MapNothing("/v1/{**path}");
    }
}
