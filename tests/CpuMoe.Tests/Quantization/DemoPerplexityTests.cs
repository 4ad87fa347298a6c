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
        Check(mix, [.. reference.Tensors.Where(tensor => tensor.Type != GgmlType.F32).Select(tensor => new TensorTypeRule(new Regex($"^{Regex.Escape(tensor.Name)}$"), tensor.Type))]);
    }

    [Theory]
    [InlineData("Q8_0")]
    [InlineData("Q6_K")]
    [InlineData("Q5_K_M")]
    [InlineData("Q4_K_M")]
    public void PerplexityOfAMixIsThatOfLlamaQuantize(string mix) => Check(mix, []);

    private void Check(string mixName, TensorTypeRule[] rules)
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
            double reference = DemoGolden.TruePerplexity(mixName, context);
            TestContext.Current.TestOutputHelper?.WriteLine($"{mixName} at {context}: {perplexity:F4}, by llama-quantize {reference:F4}");
            Assert.InRange(perplexity, 0, reference * (1 + Tolerance));
        }
    }
}
