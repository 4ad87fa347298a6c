namespace CpuMoe.Fitting;

/// <summary>How much of a model a quantisation keeps, in words.</summary>
/// <remarks>
/// From the perplexity that each mix adds to that of Llama-3-8B in F16, as the help of llama-quantize lists it
/// (https://github.com/ggml-org/llama.cpp/blob/master/tools/quantize/quantize.cpp). That of F16 itself is the reference
/// here. Of GLM-4.5-Air the page https://huggingface.co/ubergarm/GLM-4.5-Air-GGUF has 4.5704 in BF16 and 4.5798 in Q8_0,
/// each within 0.028. The limits of the classes and their names are a choice.
/// </remarks>
public static class QuantQuality
{
    private static readonly Dictionary<string, double> AddedPerplexity = new(StringComparer.OrdinalIgnoreCase)
    {
        ["F16"] = 0,
        ["Q8_0"] = 0.0026,
        ["Q6_K"] = 0.0217,
        ["Q5_K_M"] = 0.0569,
        ["Q4_K_M"] = 0.1754,
        ["Q3_K_M"] = 0.6569,
        ["Q2_K"] = 3.5199,
    };

    private static readonly (double Less, string Class)[] Classes =
        [(0.001, "original"), (0.01, "lossless"), (0.03, "near lossless"), (0.1, "very good"), (0.3, "good"), (1, "fair"), (double.MaxValue, "poor")];

    /// <summary>The class of a mix, or <c>unknown</c>.</summary>
    public static string Of(string mix) =>
        AddedPerplexity.TryGetValue(mix, out double added) ? Classes.First(entry => added < entry.Less).Class : "unknown";
}
