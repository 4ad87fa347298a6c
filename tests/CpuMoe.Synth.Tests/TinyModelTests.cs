using System.Numerics.Tensors;
using CpuMoe.Chat;
using CpuMoe.Chat.Templates;
using CpuMoe.Generation;
using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Quantization;

namespace CpuMoe.Synth.Tests;

/// <summary>Whole files of the tiny shape in the engine.</summary>
public sealed class TinyModelTests : IDisposable
{
    private const int Tokens = 8;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cpumoe-synth-");

    public static TheoryData<string> Mixes => [.. QuantMix.All.Select(mix => mix.Name)];

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Mixes))]
    public void EachMixRunsAndBothPathsAgree(string mix)
    {
        string path = Write(new ModelPlan(ModelShape.Tiny, ModelPlanTests.Mix(mix)));
        float[] fast = RunEightTokens(path, ComputePath.Fast);
        float[] reference = RunEightTokens(path, ComputePath.Reference);

        int vocabulary = ModelShape.Tiny.Vocabulary.Size;
        int real = ModelShape.Tiny.Vocabulary.SpecialStart + VocabularyFamily.Glm45.Specials.Count;
        double[] similarities = new double[Tokens];
        for (int token = 0; token < Tokens; token++)
        {
            float[] logits = fast[(token * vocabulary)..][..vocabulary];
            float[] expected = reference[(token * vocabulary)..][..vocabulary];
            Assert.All(logits[..real], logit => Assert.True(float.IsFinite(logit)));
            Assert.All(logits[real..], logit => Assert.Equal(float.NegativeInfinity, logit));
            Assert.InRange(Deviation(expected[..real]), 0.5, 2);
            similarities[token] = TensorPrimitives.CosineSimilarity<float>(logits.AsSpan(0, real), expected.AsSpan(0, real));
        }

        // Scores of random routers lie close together, so that the rounding of activations swaps an expert now and then.
        TestContext.Current.TestOutputHelper?.WriteLine($"{mix}: {string.Join(", ", similarities.Select(similarity => similarity.ToString("F4", null)))}");
        Array.Sort(similarities);
        Assert.True(similarities[0] > 0.99 && similarities[Tokens / 2] > 0.999, string.Join(", ", similarities));
    }

    [Fact]
    public void TokensOfATextDoNotLookAlike()
    {
        // Else all of them would get the same experts.
        const int Count = 200;
        using GgufFile file = GgufFile.Open(Write(new ModelPlan(ModelShape.Tiny, ModelPlanTests.Mix("q8_0"))));
        using Model model = Model.Load(file, new ModelOptions { Threads = 2 });
        using KvCache cache = model.CreateCache(Count, KvType.F16);
        float[] logits = new float[Count * model.VocabularySize];
        model.Forward([.. Enumerable.Range(300, Count)], cache, logits);

        int real = ModelShape.Tiny.Vocabulary.SpecialStart;
        double alike = Enumerable.Range(1, Count - 1).Average(token => TensorPrimitives.CosineSimilarity<float>(
            logits.AsSpan((token - 1) * model.VocabularySize, real), logits.AsSpan(token * model.VocabularySize, real)));
        Assert.InRange(alike, -0.1, 0.1);
    }

    [Fact]
    public void FilesDescribeThemselves()
    {
        string path = Write(new ModelPlan(ModelShape.Tiny, ModelPlanTests.Mix("q4_k_m"), 3));
        using GgufFile file = GgufFile.Open(path);
        ModelSummary summary = ModelSummary.FromGguf(file)!;

        Assert.Empty(file.Warnings);
        Assert.Equal((3, 0), (summary.TrunkBlocks, summary.NextNBlocks));
        Assert.Equal((32, 8), (summary.ExpertCount, summary.ExpertsUsed));
        Assert.Equal(15, file.Metadata.GetInt32("general.file_type"));
        Assert.Equal(
            "[gMASK]<sop><|user|>\nHi<|assistant|>",
            ChatTemplate.Parse(file.Metadata.GetString("tokenizer.chat_template")).Render([new ChatMessage(ChatRole.User, "Hi")]).Text);
        using Model model = Model.Load(file);
        Assert.Empty(model.Warnings);
    }

    [Fact]
    public void NextNBlockIsWrittenAndSkipped()
    {
        string path = Write(new ModelPlan(ModelShape.Tiny, ModelPlanTests.Mix("q8_0"), 2, withNextN: true));
        using GgufFile file = GgufFile.Open(path);
        using Model model = Model.Load(file);

        Assert.Equal((2, 1), (ModelSummary.FromGguf(file)!.TrunkBlocks, ModelSummary.FromGguf(file)!.NextNBlocks));
        Assert.True(file.TryGetTensor("blk.2.nextn.eh_proj.weight", out GgufTensor? fusion));
        Assert.Equal(512, fusion.Dimensions[0]);
        Assert.Empty(model.Warnings);
    }

    [Fact]
    public void SplitFilesHoldTheSameModel()
    {
        ModelPlan plan = new(ModelShape.Tiny, ModelPlanTests.Mix("q4_k_m"));
        string whole = Write(plan);
        string first = new ModelWriter(plan, seed: 1, skew: 0).Write(PathOf("split.gguf"), 4_000_000);

        Assert.EndsWith("split-00001-of-00004.gguf", first, StringComparison.Ordinal);
        Assert.Equal(RunEightTokens(whole, ComputePath.Fast), RunEightTokens(first, ComputePath.Fast));
        Assert.DoesNotContain(_folder.GetFiles(), file => file.Name.Contains("partial", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void InterruptedWritingLeavesNothing(bool split)
    {
        long bytes = 0;
        ModelWriter writer = new(new ModelPlan(ModelShape.Tiny, ModelPlanTests.Mix("q8_0")), seed: 1, skew: 0)
        {
            Written = written => bytes = bytes + written < 10_000_000 ? bytes + written : throw new OperationCanceledException(),
        };

        Assert.Throws<OperationCanceledException>(() =>
        {
            writer.Write(PathOf("x"), split ? 3_000_000 : null);
        });
        Assert.Empty(_folder.GetFiles());
    }

    private static float[] RunEightTokens(string path, ComputePath compute)
    {
        using LanguageModel model = LanguageModel.Load(path, new ModelOptions { Compute = compute, Threads = 2 });
        int[] tokens = model.Tokenizer.Encode("[gMASK]<sop><|user|>\nhello world", parseSpecial: true);
        Assert.True(tokens.Length >= Tokens);
        using KvCache cache = model.Model.CreateCache(16, KvType.F32);
        float[] logits = new float[Tokens * model.Model.VocabularySize];
        model.Model.Forward(tokens.AsSpan(0, Tokens), cache, logits);
        return logits;
    }

    private static double Deviation(float[] values)
    {
        double mean = values.Average();
        return Math.Sqrt(values.Average(value => (value - mean) * (value - mean)));
    }

    private string PathOf(string name) => Path.Combine(_folder.FullName, name);

    private string Write(ModelPlan plan)
    {
        string path = PathOf("model.gguf");
        new ModelWriter(plan, seed: 1, skew: 0).Write(path);
        return path;
    }
}
