using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace CpuMoe.Cli;

/// <summary>The output of <c>run --json</c>.</summary>
internal sealed record RunOutput(string Text, string? Reasoning, int[] PromptTokens, int[] Tokens, string FinishReason, TimingsOutput Timings);

/// <summary>Times in milliseconds and rates in tokens per second.</summary>
internal sealed record TimingsOutput(double LoadMs, double PromptMs, double PromptPerSecond, double PredictedMs, double PredictedPerSecond);

/// <summary>The output of <c>tokenize --json</c>.</summary>
internal sealed record TokensOutput(int[] Tokens, string[] Pieces);

/// <summary>The output of <c>detokenize --json</c>.</summary>
internal sealed record TextOutput(string Text);

/// <summary>The output of <c>perplexity --json</c>.</summary>
internal sealed record PerplexityOutput(double Perplexity, double StandardError, int Tokens, int Chunks);

/// <summary>The output of <c>inspect --json</c>.</summary>
internal sealed record InspectOutput(
    string File, int Version, string? Architecture, long FileBytes, ModelOutput? Model, long Weights, TypeOutput[] Types, JsonObject Metadata, TensorOutput[]? Tensors, string[] Warnings);

/// <summary>What is derived for a known architecture.</summary>
internal sealed record ModelOutput(
    int ContextLength, int Blocks, [property: JsonPropertyName("nextn_blocks")] int NextNBlocks, int Experts, int ExpertsUsed,
    long TotalParameters, long ActiveParameters, long ActiveBytesPerToken, KvBytesOutput KvBytesPerToken);

/// <summary>Bytes per token of the KV cache by format.</summary>
internal sealed record KvBytesOutput(long F16, [property: JsonPropertyName("q8_0")] long Q80);

/// <summary>How often a tensor type occurs.</summary>
internal sealed record TypeOutput(string Type, int Count, long Bytes);

/// <summary>One tensor.</summary>
internal sealed record TensorOutput(string Name, string Type, long[] Dimensions, long Bytes, int Shard);

/// <summary>Serialisation without reflection.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(RunOutput))]
[JsonSerializable(typeof(TokensOutput))]
[JsonSerializable(typeof(TextOutput))]
[JsonSerializable(typeof(PerplexityOutput))]
[JsonSerializable(typeof(InspectOutput))]
internal sealed partial class JsonOutput : JsonSerializerContext
{
    /// <summary>The context for all output: snake_case, absent instead of null, non-ASCII characters as they are.</summary>
    public static JsonOutput Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
