using System.Text.Json.Serialization;

namespace CpuMoe.Server.Anthropic;

/// <summary>How the answers are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(Message))]
[JsonSerializable(typeof(TokenCount))]
[JsonSerializable(typeof(MessageStart))]
[JsonSerializable(typeof(Ping))]
[JsonSerializable(typeof(BlockStart))]
[JsonSerializable(typeof(BlockDelta))]
[JsonSerializable(typeof(BlockStop))]
[JsonSerializable(typeof(MessageDelta))]
[JsonSerializable(typeof(MessageStop))]
internal sealed partial class AnthropicJson : JsonSerializerContext;
