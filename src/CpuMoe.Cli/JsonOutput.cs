using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using CpuMoe.Cli.Commands;

namespace CpuMoe.Cli;

/// <summary>The output of <c>run --json</c>.</summary>
internal sealed record RunOutput(
    string Text, string? Reasoning, ToolCallOutput[]? ToolCalls, int[] PromptTokens, int[] Tokens, string FinishReason, TimingsOutput Timings, PagingOutput? Experts = null);

/// <summary>A tool that the model calls.</summary>
internal sealed record ToolCallOutput(string Id, string Name, JsonElement Arguments);

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

/// <summary>The output of <c>bench --json</c>; what was not measured is absent.</summary>
internal sealed record BenchOutput(
    string Model, int Threads, int PromptTokens, int GenTokens, int Depth, RateOutput? Prefill, DecodeOutput? Decode,
    long ActiveBytesPerToken, double? ReadBandwidthGbS, double? WallRatio, long PeakRssBytes, double LoadMs, double? AllocatedBytesPerToken,
    PagingOutput? Experts = null);

/// <summary>Tokens per second of all repetitions; where they were counted the bytes read from disks, and the milliseconds of waiting for experts, per token.</summary>
internal sealed record RateOutput(double Median, double Min, double Max, double? ReadBytesPerToken = null, double? StalledMsPerToken = null);

/// <summary>The rate of decode with the milliseconds of a token: the median and what one in a hundred reaches.</summary>
internal sealed record DecodeOutput(
    double Median, double Min, double Max, double P50Ms, double P99Ms, double? ReadBytesPerToken = null, double? StalledMsPerToken = null);

/// <summary>The output of <c>kernels --json</c>.</summary>
/// <param name="Threads">Threads that computed.</param>
/// <param name="ReadBandwidthGbS">Of RAM, 10^9 bytes per second.</param>
/// <param name="IntegerPeakGopS">10^9 operations per second by instruction set.</param>
/// <param name="Kernels">One entry per format, instruction set and shape.</param>
internal sealed record KernelsOutput(int Threads, double ReadBandwidthGbS, Dictionary<string, double> IntegerPeakGopS, KernelOutput[] Kernels);

/// <summary>The rates of a kernel.</summary>
/// <param name="Format">The format of the weights.</param>
/// <param name="Isa">512, 256 or scalar.</param>
/// <param name="Columns">Activations per product: 1 is decode.</param>
/// <param name="Weights">Where they lie: ram or cache.</param>
/// <param name="GbS">10^9 bytes of weights per second.</param>
/// <param name="GopS">10^9 operations per second.</param>
internal sealed record KernelOutput(string Format, string Isa, int Columns, string Weights, double GbS, double GopS);

/// <summary>The output of <c>list --json</c>.</summary>
internal sealed record ListOutput(string Folder, PulledModelOutput[] Models);

/// <summary>A pulled model.</summary>
/// <param name="Name">What -m takes.</param>
/// <param name="Quant">The quantisation by the file name; absent where it tells none.</param>
/// <param name="Bytes">The size of all files when complete.</param>
/// <param name="Pulled">When the pull ended or, of an incomplete model, began.</param>
/// <param name="Complete">Whether all files are there and have been checked.</param>
/// <param name="Commit">The commit of the repository.</param>
/// <param name="Files">The paths of all files, the one to open first.</param>
internal sealed record PulledModelOutput(string Name, string? Quant, long Bytes, DateTimeOffset Pulled, bool Complete, string Commit, string[] Files);

/// <summary>Serialisation without reflection.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(RunOutput))]
[JsonSerializable(typeof(TokensOutput))]
[JsonSerializable(typeof(TextOutput))]
[JsonSerializable(typeof(PerplexityOutput))]
[JsonSerializable(typeof(InspectOutput))]
[JsonSerializable(typeof(BenchOutput))]
[JsonSerializable(typeof(KernelsOutput))]
[JsonSerializable(typeof(ExpertsOutput))]
[JsonSerializable(typeof(ListOutput))]
[JsonSerializable(typeof(SavedConversation))]
[JsonSerializable(typeof(FitOutput))]
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
