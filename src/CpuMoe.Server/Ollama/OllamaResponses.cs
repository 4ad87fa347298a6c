using System.Text.Json;
using CpuMoe.Server.OpenAi;

namespace CpuMoe.Server.Ollama;

/// <summary>A whole answer, or a line of a stream.</summary>
/// <param name="Model">The name under which the model was asked.</param>
/// <param name="CreatedAt">Now, in UTC.</param>
/// <param name="Done">Whether it is the last line.</param>
internal sealed record OllamaReply(string Model, DateTime CreatedAt, bool Done)
{
    /// <summary>Of a chat.</summary>
    public OllamaMessage? Message { get; init; }

    /// <summary>The text where it is no chat.</summary>
    public string? Response { get; init; }

    /// <summary>The thought where it is no chat.</summary>
    public string? Thinking { get; init; }

    public LogprobEntry[]? Logprobs { get; init; }

    public string? DoneReason { get; init; }

    /// <summary>Nanoseconds from the admission to the end.</summary>
    public long? TotalDuration { get; init; }

    public long? LoadDuration { get; init; }

    public int? PromptEvalCount { get; init; }

    public long? PromptEvalDuration { get; init; }

    public int? EvalCount { get; init; }

    public long? EvalDuration { get; init; }
}

/// <summary>What the model said.</summary>
internal sealed record OllamaMessage(string Content)
{
    public string Role { get; } = "assistant";

    public string? Thinking { get; init; }

    public OllamaCall[]? ToolCalls { get; init; }
}

/// <summary>A complete call.</summary>
internal sealed record OllamaCall(string Id, OllamaFunction Function);

/// <summary>The name of a function and its arguments, a JSON object.</summary>
internal sealed record OllamaFunction(int Index, string Name, JsonElement Arguments);

/// <summary>All models.</summary>
internal sealed record OllamaModelList(OllamaModel[] Models);

/// <summary>A model in a list.</summary>
internal sealed record OllamaModel(string Name, DateTimeOffset ModifiedAt, long Size, string Digest, OllamaFacts Details)
{
    public string Model { get; } = Name;

    /// <summary>When it is unloaded, of a model in memory.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    public long? SizeVram { get; init; }

    public int? ContextLength { get; init; }
}

/// <summary>What a model is.</summary>
internal sealed record OllamaFacts(string Family, string[] Families, string ParameterSize, string QuantizationLevel)
{
    public string ParentModel { get; } = "";

    public string Format { get; } = "gguf";
}

/// <summary>The answer of <c>/api/show</c>.</summary>
internal sealed record OllamaModelDetails(OllamaFacts Details, Dictionary<string, JsonElement> ModelInfo, string[] Capabilities, DateTimeOffset ModifiedAt, string Template)
{
    public string Modelfile { get; } = "";

    public string Parameters { get; } = "";
}

/// <summary>The answer of <c>/api/version</c>.</summary>
internal sealed record OllamaVersion(string Version);
