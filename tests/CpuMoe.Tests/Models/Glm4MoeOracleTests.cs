using CpuMoe.Gguf;
using CpuMoe.Models;

namespace CpuMoe.Tests.Models;

/// <summary>The engine's logits against those of <see cref="NaiveGlm"/>, over the variants of the architecture.</summary>
public class Glm4MoeOracleTests
{
    private static readonly Dictionary<string, TinyGlm> Variants = new()
    {
        ["plain"] = new(),
        ["no QK norm (Air)"] = new() { QkNorm = false },
        ["fused gate and up"] = new() { FusedGateUp = true },
        ["tied output"] = new() { TiedOutput = true },
        ["no NextN"] = new() { NextNBlocks = 0 },
        ["no dense blocks"] = new() { LeadingDense = 0 },
        ["only dense blocks"] = new() { LeadingDense = 3 },
        ["softmax"] = new() { Gating = 1 },
        ["softmax over selected"] = new() { Gating = 3 },
        ["unnormalised, unscaled"] = new() { NormalizeWeights = false, WeightScale = 0 },
        ["group of 12"] = new() { Heads = 12, KeyValueHeads = 1 },
        ["no groups"] = new() { Heads = 2, KeyValueHeads = 2 },
        ["other value length"] = new() { KeyLength = 48, ValueLength = 20, Rotary = 48 },
        ["odd sizes"] = new() { Embedding = 52, FeedForward = 37, ExpertWidth = 19, KeyLength = 6, ValueLength = 7, Rotary = 4, Heads = 9, KeyValueHeads = 3, Experts = 5, ExpertsUsed = 1 },
        ["two shared experts"] = new() { SharedExperts = 2 },
        ["all experts"] = new() { Experts = 4, ExpertsUsed = 4 },
        ["F16"] = new() { DenseType = GgmlType.F16, ExpertType = GgmlType.F16, DownType = GgmlType.BF16, VocabularyType = GgmlType.F16 },
        ["Q8_0"] = new() { DenseType = GgmlType.Q8_0, ExpertType = GgmlType.Q8_0, DownType = GgmlType.Q8_0, VocabularyType = GgmlType.Q8_0 },
        ["K mix"] = new()
        {
            Embedding = 256, Heads = 8, ExpertWidth = 256, FeedForward = 256,
            DenseType = GgmlType.Q4_K, ExpertType = GgmlType.Q5_K, DownType = GgmlType.Q6_K, VocabularyType = GgmlType.Q6_K,
        },
        ["small-block mix"] = new() { DenseType = GgmlType.Q5_0, ExpertType = GgmlType.IQ4_NL, DownType = GgmlType.Q4_1, VocabularyType = GgmlType.Q5_1 },
    };

    public static TheoryData<string> Names => [.. Variants.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void ReferencePathMatchesTheOracle(string name) => Check(Variants[name], ComputePath.Reference, 2e-5);

    [Theory]
    [MemberData(nameof(Names))]
    public void FastPathMatchesTheOracle(string name)
    {
        // Where activations are rounded to 8 bits a router's near-tie may fall the other way: all experts take part then.
        TinyGlm shape = Variants[name];
        bool floats = shape.DenseType is GgmlType.F32 or GgmlType.F16;
        Check(floats ? shape : shape with { ExpertsUsed = shape.Experts }, ComputePath.Fast, floats ? 2e-5 : 0.12);
    }

    [Fact]
    public void RandomShapesMatchTheOracle()
    {
        for (int seed = 1; seed <= 25; seed++)
        {
            var random = new Random(seed);
            int keyValueHeads = random.Next(1, 4);
            int keyLength = 2 * random.Next(2, 20);
            int experts = random.Next(1, 12);
            int trunk = random.Next(1, 4);
            var shape = new TinyGlm
            {
                Seed = seed,
                TrunkBlocks = trunk,
                NextNBlocks = random.Next(2),
                LeadingDense = random.Next(trunk + 1),
                Embedding = random.Next(8, 80),
                FeedForward = random.Next(1, 80),
                Heads = keyValueHeads * random.Next(1, 5),
                KeyValueHeads = keyValueHeads,
                KeyLength = keyLength,
                ValueLength = random.Next(1, 40),
                Rotary = 2 * random.Next(1, (keyLength / 2) + 1),
                Experts = experts,
                ExpertsUsed = random.Next(1, experts + 1),
                SharedExperts = random.Next(1, 3),
                ExpertWidth = random.Next(1, 40),
                QkNorm = random.Next(2) == 0,
                FusedGateUp = random.Next(2) == 0,
                TiedOutput = random.Next(2) == 0,
                Gating = random.Next(1, 4),
                NormalizeWeights = random.Next(2) == 0,
                WeightScale = random.Next(3),
            };
            Check(shape, random.Next(2) == 0 ? ComputePath.Fast : ComputePath.Reference, 5e-5);
        }
    }

    private static void Check(TinyGlm shape, ComputePath path, double tolerance)
    {
        using var open = new OpenModel(shape, new ModelOptions { Threads = 2, Compute = path, BatchSize = 5 });
        int[] tokens = ModelExtensions.RandomTokens(14, shape.Seed, most: shape.RealTokens);
        double[][] expected = new NaiveGlm(open.File).Logits(tokens);
        float[] actual = open.Model.AllLogits(tokens);
        Assert.Equal(tokens.Length * shape.Rows, actual.Length);
        for (int t = 0; t < tokens.Length; t++)
        {
            double largest = expected[t].Where(double.IsFinite).Max(Math.Abs);
            Assert.True(largest > 0.01, "The oracle's logits say nothing.");
            for (int id = 0; id < shape.Rows; id++)
            {
                float logit = actual[(t * shape.Rows) + id];
                if (double.IsNegativeInfinity(expected[t][id]))
                {
                    Assert.Equal(float.NegativeInfinity, logit);
                }
                else
                {
                    Assert.True(Math.Abs(expected[t][id] - logit) <= tolerance * largest, $"{shape}: token {t}, id {id}: {logit}, expected {expected[t][id]} (largest {largest}).");
                }
            }
        }
    }
}
