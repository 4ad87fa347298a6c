using System.Text.Json.Serialization;

namespace CpuMoe.Server.Operations;

/// <summary>The server takes requests.</summary>
internal sealed record HealthResponse(string Status);

/// <summary>The server takes no requests.</summary>
internal sealed record HealthFaultResponse(HealthFault Error);

/// <summary>Why not.</summary>
internal sealed record HealthFault(int Code, string Message, string Type);

/// <summary>How the answers are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(HealthResponse))]
[JsonSerializable(typeof(HealthFaultResponse))]
internal sealed partial class OperationsJson : JsonSerializerContext;
