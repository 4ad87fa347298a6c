using System.Text.Json;

namespace CpuMoe.QuantizeComparison;

/// <summary>Perplexities of the demo model's files as ik_llama.cpp quantised them, whose mixes give some tensors other types.</summary>
internal sealed class RecordedPerplexity
{
    private const string DemoModel = "demo-f16.gguf";

    private readonly JsonElement? _perplexity;

    private RecordedPerplexity(JsonElement? perplexity) => _perplexity = perplexity;

    /// <summary>Reads the file, if there is one.</summary>
    public static RecordedPerplexity Read(string? path)
    {
        if (path is null)
        {
            return new RecordedPerplexity(null);
        }

        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
        return new RecordedPerplexity(document.RootElement.GetProperty("perplexity").Clone());
    }

    /// <summary>What was recorded of a mix; null for other models and mixes.</summary>
    public double? Of(string model, string mix, int context) =>
        Path.GetFileName(model) == DemoModel && _perplexity is { } all && all.TryGetProperty(mix, out JsonElement ofMix)
            ? ofMix.GetProperty($"ppl.txt@{context}:truth").GetDouble()
            : null;
}
