using System.Text.Json.Serialization;

namespace CpuMoe.Server.Ollama;

/// <summary>How the answers are written: members that are null are left out.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(OllamaReply))]
[JsonSerializable(typeof(OllamaModelList))]
[JsonSerializable(typeof(OllamaModelDetails))]
[JsonSerializable(typeof(OllamaVersion))]
internal sealed partial class OllamaJson : JsonSerializerContext;
