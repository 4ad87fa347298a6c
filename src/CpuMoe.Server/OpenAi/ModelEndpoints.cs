using CpuMoe.Server.Hosting;

namespace CpuMoe.Server.OpenAi;

/// <summary>Which models there are; the members of OpenAI's and Anthropic's answers together, as both use the path.</summary>
internal static class ModelEndpoints
{
    /// <summary>Maps the endpoints.</summary>
    public static void Map(ApiRoutes routes)
    {
        foreach (string path in (string[])["/v1/models", "/models"])
        {
            routes.MapGet(path, ListAsync);
            routes.MapGet(path + "/{**id}", GetAsync);
        }
    }

    private static Task ListAsync(ApiCall call)
    {
        ServedModel model = call.Server.Models.Model;
        return call.WriteJsonAsync(new ModelList([Describe(model, model.Name)], model.Name, model.Name), OpenAiJson.Default.ModelList);
    }

    private static Task GetAsync(ApiCall call)
    {
        // Routing leaves an encoded slash as it is.
        string name = Uri.UnescapeDataString((string)call.Http.Request.RouteValues["id"]!);
        return call.WriteJsonAsync(Describe(call.Server.Models.Resolve(name), name), OpenAiJson.Default.ModelDescription);
    }

    private static ModelDescription Describe(ServedModel model, string name) => new(
        name,
        model.Created.ToUnixTimeSeconds(),
        model.Created,
        name,
        model.Scheduler.ContextLength,
        new ModelMeta(model.Scheduler.Model.Model.ContextLength, model.Scheduler.Model.Model.VocabularySize));
}
