using System.Text.Json.Serialization;

namespace CpuMoe.Server.OpenAi;

/// <summary>The answer of <c>/v1/completions</c>, whole or a piece of a stream.</summary>
internal record Completion(string Id, long Created, string Model, string SystemFingerprint, CompletionChoice[] Choices)
{
    public string Object { get; } = "text_completion";
}

/// <summary>An answer that tells the usage; in a stream it is null in all pieces but the last.</summary>
internal sealed record CompletionWithUsage(string Id, long Created, string Model, string SystemFingerprint, CompletionChoice[] Choices, Usage? Usage)
    : Completion(Id, Created, Model, SystemFingerprint, Choices)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Timings? Timings { get; init; }
}

/// <summary>A continuation or, in a stream, more of it.</summary>
internal sealed record CompletionChoice(string Text, int Index, CompletionLogprobs? Logprobs, string? FinishReason);

/// <summary>How likely tokens were: arrays with one element per token.</summary>
internal sealed record CompletionLogprobs(string[] Tokens, float?[] TokenLogprobs, IReadOnlyDictionary<string, float>?[] TopLogprobs, int[] TextOffset);
