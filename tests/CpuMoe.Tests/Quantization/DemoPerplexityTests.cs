using System.Text.RegularExpressions;
using CpuMoe.Generation;
using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Quantization;
using CpuMoe.Testing;
using CpuMoe.Tests.Gguf;

namespace CpuMoe.Tests.Quantization;

/// <summary>The demo model, quantised here, predicts a text as well as it does quantised by llama-quantize.</summary>
public sealed class DemoPerplexityTests : IDisposable
{
    /// <summary>How much larger than the reference's a perplexity may be.</summary>
    private const double Tolerance = 0.01;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>The recorded files were made with ik_llama.cpp, which gives some tensors other types than the mixes do: here they get those.</summary>
    [Theory]
    [InlineData("Q8_0")]
    [InlineData("Q6_K")]
    [InlineData("Q5_K_M")]
    [InlineData("Q4_K_M")]
    [InlineData("Q2_K")]
    public void PerplexityIsThatOfLlamaQuantizeWithTheSameTypes(string mix)
    {
        using GgufFile reference = GgufFile.Open(TestData.DemoModelOf(mix));
        TensorTypeRule[] rules = [.. reference.Tensors.Where(tensor => tensor.Type != GgmlType.F32)
            .Select(tensor => new TensorTypeRule(new Regex($"^{Regex.Escape(tensor.Name)}$"), tensor.Type))];
        Check(mix, rules, context => DemoGolden.TruePerplexity(mix, context));
    }

    /// <summary>
    /// The files of llama.cpp (release v0.5.0), which have the types of the mixes: perplexities at 128 and 512 as
    /// perf/quantize/run prints them.
    /// </summary>
    [Theory]
    [InlineData("Q8_0", 3.5349, 4.0747)]
    [InlineData("Q6_K", 3.5422, 4.0713)]
    [InlineData("Q5_K_M", 3.5663, 4.0626)]
    [InlineData("Q4_K_M", 3.5276, 4.1169)]
    [InlineData("Q3_K_M", 3.6780, 4.2448)]
    [InlineData("Q2_K", 3.6303, 4.5661)]
    [InlineData("Q4_0", 3.5730, 4.1798)]
    public void PerplexityOfAMixIsThatOfLlamaCpp(string mix, double at128, double at512) =>
        Check(mix, [], context => context == 128 ? at128 : at512);

    private void Check(string mixName, TensorTypeRule[] rules, Func<int, double> referenceAt)
    {
        Assert.True(QuantMix.TryFind(mixName, out QuantMix? mix));
        string path = _folder.PathOf("quantized.gguf");
        using (GgufFile source = GgufFile.Open(TestData.DemoModelOf("f16")))
        {
            new ModelQuantizer(source, mix, rules).Write(path, new QuantizationOptions { Threads = 2 });
        }

        using LanguageModel model = LanguageModel.Load(path, new ModelOptions { Threads = 2 });
        int[] tokens = Perplexity.Encode(model.Tokenizer, DemoGolden.PerplexityText);
        foreach (int context in (int[])[128, 512])
        {
            PerplexityOptions options = new PerplexityOptions { ContextLength = context }.ForTokenizer(model.Tokenizer);
            double perplexity = Perplexity.Evaluate(model.Model, tokens, options).Value;
            double reference = referenceAt(context);
            TestContext.Current.TestOutputHelper?.WriteLine($"{mixName} at {context}: {perplexity:F4}, the reference {reference:F4}");
            Assert.InRange(perplexity, 0, reference * (1 + Tolerance));
        }
    }
}
