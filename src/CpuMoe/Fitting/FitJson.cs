using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace CpuMoe.Fitting;

/// <summary>The JSON files of this folder, in snake_case, without reflection. Unknown keys are faults: they are misspelt known ones.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true)]
[JsonSerializable(typeof(KnownModelList))]
[JsonSerializable(typeof(DeviceList))]
[JsonSerializable(typeof(MachineProfile))]
internal sealed partial class FitJson : JsonSerializerContext
{
    /// <summary>Reads a file that is part of the assembly.</summary>
    public static T ReadEmbedded<T>(string name, JsonTypeInfo<T> type)
    {
        using Stream stream = typeof(FitJson).Assembly.GetManifestResourceStream(name)!;
        return JsonSerializer.Deserialize(stream, type)!;
    }

    /// <summary>Reads a text of the user.</summary>
    /// <param name="json">The text.</param>
    /// <param name="type">What it should be.</param>
    /// <param name="source">Where it comes from, for faults.</param>
    /// <exception cref="FitException">It is something else.</exception>
    public static T Read<T>(string json, JsonTypeInfo<T> type, string source)
    {
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw new FitException($"{source} is null; an object is needed");
        }
        catch (JsonException fault)
        {
            throw new FitException($"{source} is not as it should be: {fault.Message}", fault);
        }
    }
}
