using CpuMoe.Server.Errors;
using CpuMoe.Server.Hosting;
using Microsoft.AspNetCore.Routing;

namespace CpuMoe.Server.OpenAi;

/// <summary>The OpenAI API as far as it makes sense for a language model.</summary>
internal static class OpenAiEndpoints
{
    /// <summary>Maps the endpoints.</summary>
    public static void Map(IEndpointRouteBuilder endpoints)
    {
        ApiRoutes routes = new(endpoints, OpenAiErrors.Instance);
        ModelEndpoints.Map(routes);
        ChatCompletionEndpoint.Map(routes);
        CompletionEndpoint.Map(routes);
        routes.MapPost("/v1/embeddings", RefuseEmbeddings);
    }

    private static Task RefuseEmbeddings(ApiCall call) =>
        throw ApiException.Invalid("model", $"The model '{call.Server.Models.Model.Name}' makes text, no embeddings; use an embedding model for these.");
}
