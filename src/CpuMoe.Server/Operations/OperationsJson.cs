using System.Text.Json.Serialization;

namespace CpuMoe.Server.Operations;

/// <summary>The server takes requests.</summary>
internal sealed record HealthResponse(string Status);

/// <summary>The server takes no requests.</summary>
internal sealed record HealthFaultResponse(HealthFault Error);

/// <summary>Why not.</summary>
internal sealed record HealthFault(int Code, string Message, string Type);

/// <summary>What the server runs; of the file the name only.</summary>
internal sealed record PropsResponse(
    GenerationSettings DefaultGenerationSettings, int TotalSlots, string ModelAlias, string ModelPath, string? ChatTemplate, string BuildInfo, Modalities Modalities);

/// <summary>Tokens per slot and how tokens are chosen where a request does not say.</summary>
internal sealed record GenerationSettings(int NCtx, SamplingSettings Params);

/// <summary>How tokens are chosen.</summary>
internal sealed record SamplingSettings(
    float Temperature, int TopK, float TopP, float MinP, float RepeatPenalty, int RepeatLastN, float PresencePenalty, float FrequencyPenalty);

/// <summary>What the model reads beside text.</summary>
internal sealed record Modalities(bool Vision, bool Audio);

/// <summary>A slot; nothing in it tells of a text. The number of the generation counts all since the start, and is null in a free slot.</summary>
internal sealed record SlotResponse(int Id, long? IdTask, int NCtx, bool IsProcessing, int NCached, int NPromptTokens, NextTokenResponse NextToken);

/// <summary>Tokens generated, and how many may still be.</summary>
internal sealed record NextTokenResponse(int NDecoded, int NRemain);

/// <summary>The ids of a text.</summary>
internal sealed record TokensResponse(int[] Tokens);

/// <summary>The ids of a text and what they stand for.</summary>
internal sealed record PiecesResponse(TokenPiece[] Tokens);

/// <summary>A token: a text or, where it is no whole text, bytes.</summary>
internal sealed record TokenPiece(int Id, TokenBytes Piece);

/// <summary>The text of ids.</summary>
internal sealed record TextResponse(string Content);

/// <summary>The prompt of a conversation.</summary>
internal sealed record PromptResponse(string Prompt);

/// <summary>How the answers are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(HealthResponse))]
[JsonSerializable(typeof(HealthFaultResponse))]
[JsonSerializable(typeof(PropsResponse))]
[JsonSerializable(typeof(SlotResponse[]))]
[JsonSerializable(typeof(TokensResponse))]
[JsonSerializable(typeof(PiecesResponse))]
[JsonSerializable(typeof(TextResponse))]
[JsonSerializable(typeof(PromptResponse))]
internal sealed partial class OperationsJson : JsonSerializerContext;
