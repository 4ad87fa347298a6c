using System.Text.Json.Serialization;

namespace CpuMoe.Server.Responses;

/// <summary>How the answers are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(Response))]
[JsonSerializable(typeof(ResponseEvent))]
internal sealed partial class ResponsesJson : JsonSerializerContext;
