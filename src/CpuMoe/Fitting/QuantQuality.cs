namespace CpuMoe.Fitting;

/// <summary>How much of a model a quantisation keeps, in words.</summary>
/// <remarks>
/// From the perplexity that each mix adds to that of Llama-3-8B in F16, as the help of llama-quantize of llama.cpp lists
/// it (tools/quantize/quantize.cpp). Large mixtures of experts usually lose less.
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
