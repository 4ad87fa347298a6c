using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace CpuMoe.Testing;

/// <summary>One prompt of the demo model and what another engine made of it.</summary>
/// <param name="Name">A short name.</param>
/// <param name="PromptTokens">The ids of the prompt.</param>
/// <param name="Tokens">The greedy continuation, without the token that ended it.</param>
/// <param name="Stop">"eog:ID", or "length".</param>
/// <param name="Margins">For each step, the distance from the best logit to the second.</param>
public sealed record GoldenPrompt(string Name, int[] PromptTokens, int[] Tokens, string Stop, float[] Margins)
{
    /// <summary>The continuation with the token that ended it.</summary>
    public int[] Steps => Stop.StartsWith("eog:", StringComparison.Ordinal) ? [.. Tokens, int.Parse(Stop[4..])] : Tokens;
}

/// <summary>Results of another engine on one file of the demo model (tests/data/demo).</summary>
/// <param name="Prompts">The prompts.</param>
public sealed record DemoGolden(GoldenPrompt[] Prompts)
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowReadingFromString };

    private static string Folder => Path.Combine(TestData.DataFolder, "demo");

    /// <summary>The text whose perplexity is recorded.</summary>
    public static string PerplexityText => File.ReadAllText(Path.Combine(Folder, "ppl.txt"));

    /// <summary>Reads the results of a file.</summary>
    public static DemoGolden Read(string mix) => JsonSerializer.Deserialize<DemoGolden>(File.ReadAllText(Path.Combine(Folder, $"demo-{mix}.json")), Options)!;

    /// <summary>The logits that the weights of a file mean (dequantised, no quantised activations), after the last token of prompt 0 or 5.</summary>
    public static float[] TrueLogits(string mix, int prompt) =>
        MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(Path.Combine(Folder, $"demo-{mix}", $"truth-{prompt}.bin"))).ToArray();

    /// <summary>The perplexity that the weights of a file mean.</summary>
    public static double TruePerplexity(string mix, int context)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "ppl.json")));
        return document.RootElement.GetProperty("perplexity").GetProperty(mix).GetProperty($"ppl.txt@{context}:truth").GetDouble();
    }
}
