using System.Numerics.Tensors;
using CpuMoe.Generation;
using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Testing;

namespace CpuMoe.Tests.Models;

/// <summary>Every file of the demo model against the results of other engines, within the tolerances agreed for them.</summary>
public sealed class DemoGoldenTests
{
    public static TheoryData<string, ComputePath> Files()
    {
        var rows = new TheoryData<string, ComputePath>();
        foreach (string mix in (string[])["f16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q2_K"])
        {
            rows.Add(mix, ComputePath.Fast);
            rows.Add(mix, ComputePath.Reference);
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void LogitsAreNearTheTruth(string mix, ComputePath path)
    {
        bool exact = mix == "f16" || path == ComputePath.Reference;
        using var file = GgufFile.Open(TestData.DemoModelOf(mix));
        using var model = Model.Load(file, new ModelOptions { Compute = path });
        foreach (int prompt in (int[])[0, 5])
        {
            float[] truth = DemoGolden.TrueLogits(mix, prompt);
            float[] logits = new float[model.VocabularySize];
            using KvCache cache = model.CreateCache(256, KvType.F16);
            model.Forward(DemoGolden.Read(mix).Prompts[prompt].PromptTokens, cache, logits);

            Assert.Equal(truth.Length, logits.Length);
            float[] differences = new float[truth.Length];
            TensorPrimitives.Subtract(truth, logits, differences);
            TensorPrimitives.Abs(differences, differences);
            float largest = TensorPrimitives.Max<float>(differences);
            float mean = TensorPrimitives.Average<float>(differences);
            TestContext.Current.TestOutputHelper?.WriteLine($"{mix} {path} prompt {prompt}: largest {largest:G3}, mean {mean:G3}");
            Assert.InRange(largest, 0, exact ? 0.005 : 0.20);
            Assert.InRange(mean, 0, exact ? 0.005 : 0.04);
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void GreedyContinuationsAreEqual(string mix, ComputePath path)
    {
        Assert.SkipWhen(TestChildProcess.IsChild, "The instruction-set matrix compares logits only: this takes minutes without vectors.");
        // Steps where the two best logits lie closer than this may go either way.
        float bound = mix == "f16" ? 0 : 0.4f;
        using var file = GgufFile.Open(TestData.DemoModelOf(mix));
        using var model = Model.Load(file, new ModelOptions { Compute = path });
        float[] logits = new float[model.VocabularySize];
        int compared = 0;
        foreach (GoldenPrompt prompt in DemoGolden.Read(mix).Prompts)
        {
            using KvCache cache = model.CreateCache(512, KvType.F16);
            model.Forward(prompt.PromptTokens, cache, logits);
            int[] steps = prompt.Steps;
            for (int step = 0; step < steps.Length; step++)
            {
                int best = TensorPrimitives.IndexOfMax<float>(logits);
                if (best != steps[step])
                {
                    Assert.True(prompt.Margins[step] <= bound, $"{mix} {path} {prompt.Name}, step {step}: token {best} instead of {steps[step]}, margin {prompt.Margins[step]}.");
                    break;
                }

                compared++;
                model.Forward([best], cache, logits);
            }
        }

        Assert.True(compared > 50, $"Only {compared} steps could be compared.");
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void PerplexityIsNearTheTruth(string mix, ComputePath path)
    {
        Assert.SkipWhen(TestChildProcess.IsChild, "The instruction-set matrix compares logits only: this takes minutes without vectors.");
        bool exact = mix == "f16" || path == ComputePath.Reference;
        double tolerance = exact ? 0.0005 : mix == "Q2_K" ? 0.006 : 0.003;
        using var model = LanguageModel.Load(TestData.DemoModelOf(mix), new ModelOptions { Compute = path });
        int[] tokens = Perplexity.Encode(model.Tokenizer, DemoGolden.PerplexityText);
        foreach (int context in (int[])[128, 512])
        {
            PerplexityOptions options = new PerplexityOptions { ContextLength = context }.ForTokenizer(model.Tokenizer);
            double perplexity = Perplexity.Evaluate(model.Model, tokens, options).Value;
            double truth = DemoGolden.TruePerplexity(mix, context);
            TestContext.Current.TestOutputHelper?.WriteLine($"{mix} {path} at {context}: {perplexity:F4}, truth {truth:F4}");

            // The recorded values have four decimals.
            Assert.InRange(perplexity, truth * (1 - tolerance) - 0.00005, truth * (1 + tolerance) + 0.00005);
        }
    }
}
