using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Gguf;
using CpuMoe.Server.Errors;
using CpuMoe.Server.Hosting;
using CpuMoe.Server.Requests;

namespace CpuMoe.Server.Ollama;

/// <summary>Which models there are and what they can do.</summary>
internal static class OllamaModels
{
    private const string Tag = ":latest";

    /// <summary>Maps the endpoints.</summary>
    public static void Map(ApiRoutes routes)
    {
        routes.MapGet("/api/tags", call => call.WriteJsonAsync(new OllamaModelList([Describe(call.Server.Models.Model)]), OllamaJson.Default.OllamaModelList));
        routes.MapGet("/api/ps", ListLoadedAsync);
        routes.MapPost("/api/show", ShowAsync);
    }

    /// <summary>The model of a name, whose tag may be left out or added.</summary>
    /// <exception cref="ApiException">No model has that name.</exception>
    public static ServedModel Resolve(ServerContext server, string name) =>
        server.Models.Resolve(!server.Models.Knows(name) && name.EndsWith(Tag, StringComparison.Ordinal) ? name[..^Tag.Length] : name);

    private static Task ListLoadedAsync(ApiCall call)
    {
        ServedModel model = call.Server.Models.Model;
        OllamaModel loaded = Describe(model) with { ExpiresAt = DateTimeOffset.MaxValue, SizeVram = 0, ContextLength = model.Scheduler.ContextLength };
        return call.WriteJsonAsync(new OllamaModelList([loaded]), OllamaJson.Default.OllamaModelList);
    }

    private static async Task ShowAsync(ApiCall call)
    {
        RequestValue body = await call.ReadJsonAsync();
        ServedModel model = Resolve(call.Server, (body.Member("model") ?? body.Member("name") ?? body.Required("model")).AsString());
        await call.WriteJsonAsync(
            new OllamaModelDetails(FactsOf(model), InfoOf(model), CapabilitiesOf(model), model.Created, model.Engine.Template.Source),
            OllamaJson.Default.OllamaModelDetails);
    }

    private static OllamaModel Describe(ServedModel model)
    {
        GgufFile file = model.Scheduler.Model.File;

        // Of what identifies the file: hashing all of it would take minutes.
        string digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{model.Name}|{file.FileBytes}|{model.Created:O}")));
        return new OllamaModel(model.Name + Tag, model.Created, file.FileBytes, digest, FactsOf(model));
    }

    private static OllamaFacts FactsOf(ServedModel model)
    {
        GgufFile file = model.Scheduler.Model.File;
        string family = model.Scheduler.Model.Model.Architecture;
        GgmlType type = file.Tensors.GroupBy(tensor => tensor.Type).MaxBy(group => group.Sum(tensor => tensor.ElementCount))!.Key;
        return new OllamaFacts(family, [family], SizeOf(file.Tensors.Sum(tensor => tensor.ElementCount)), type.ToString());
    }

    private static string SizeOf(long parameters) => parameters switch
    {
        >= 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{parameters / 1e9:F1}B"),
        >= 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{parameters / 1e6:F2}M"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{parameters / 1e3:F2}K"),
    };

    /// <summary>The metadata of the file but for lists; the context is that of a slot, as clients fill it.</summary>
    private static Dictionary<string, JsonElement> InfoOf(ServedModel model)
    {
        GgufFile file = model.Scheduler.Model.File;
        Dictionary<string, JsonElement> info = [];
        foreach (GgufEntry entry in file.Metadata.Entries)
        {
            if (entry.Value is not Array && !entry.Key.StartsWith("tokenizer.chat_template", StringComparison.Ordinal))
            {
                info[entry.Key] = ToJson(entry.Value);
            }
        }

        info["general.parameter_count"] = ToJson(file.Tensors.Sum(tensor => tensor.ElementCount));
        info[$"{model.Scheduler.Model.Model.Architecture}.context_length"] = ToJson(model.Scheduler.ContextLength);
        return info;
    }

    private static JsonElement ToJson(object value) => value switch
    {
        string text => JsonElement.Parse($"\"{JsonEncodedText.Encode(text)}\""),
        bool flag => JsonElement.Parse(flag ? "true" : "false"),
        float number when !float.IsFinite(number) => JsonElement.Parse("null"),
        double number when !double.IsFinite(number) => JsonElement.Parse("null"),
        IFormattable number => JsonElement.Parse(number.ToString(null, CultureInfo.InvariantCulture)),
        _ => JsonElement.Parse("null"),
    };

    private static string[] CapabilitiesOf(ServedModel model)
    {
        List<string> capabilities = ["completion"];
        if (ToolCallFormats.Of(model.Engine.Template) is not null)
        {
            capabilities.Add("tools");
        }

        if (model.Engine.Template.KnowsThinking)
        {
            capabilities.Add("thinking");
        }

        return [.. capabilities];
    }
}
