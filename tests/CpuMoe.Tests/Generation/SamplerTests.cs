using CpuMoe.Generation;

namespace CpuMoe.Tests.Generation;

public class SamplerTests
{
    private static readonly SamplerOptions Plain = new() { Temperature = 1, TopK = 0, TopP = 1, MinP = 0, Seed = 7 };

    public static TheoryData<string> Chains => new(Distributions.Keys);

    private static Dictionary<string, SamplerOptions> Distributions { get; } = new()
    {
        ["softmax"] = Plain,
        ["cold"] = Plain with { Temperature = 0.5f },
        ["hot"] = Plain with { Temperature = 2 },
        ["top-k"] = Plain with { TopK = 4 },
        ["top-p"] = Plain with { TopP = 0.8f },
        ["min-p"] = Plain with { MinP = 0.2f },
        ["all, hot"] = Plain with { TopK = 6, TopP = 0.95f, MinP = 0.1f, Temperature = 3 },
    };

    [Theory]
    [MemberData(nameof(Chains))]
    public void DrawsWithTheExactProbabilities(string chain)
    {
        const int Draws = 40_000;
        SamplerOptions options = Distributions[chain];
        float[] logits = [1.5f, -1, 0.25f, 2, 0, 1.75f, -0.5f, 1, float.NegativeInfinity, 0.5f];
        List<int> ids = SamplerReference.TopK(logits, options.TopK);
        ids = SamplerReference.TopP(logits, ids, options.TopP);
        ids = SamplerReference.MinP(logits, ids, options.MinP);
        double[] probabilities = SamplerReference.Softmax(logits, ids, options.Temperature);

        int[] counts = new int[logits.Length];
        Sampler sampler = new(options, logits.Length);
        for (int i = 0; i < Draws; i++)
        {
            counts[sampler.Sample([.. logits], [])]++;
        }

        double chiSquare = 0;
        for (int i = 0; i < ids.Count; i++)
        {
            double expected = Draws * probabilities[i];
            chiSquare += (counts[ids[i]] - expected) * (counts[ids[i]] - expected) / expected;
        }

        // 33 is exceeded with probability 1e-4 at 8 degrees of freedom, the most there are here; the seed is fixed.
        Assert.Equal(Draws, ids.Sum(id => counts[id]));
        Assert.InRange(chiSquare, 0, 33);
    }

    [Fact]
    public void EqualSeedsGiveEqualTokensAndOthersDoNot()
    {
        int[] Draw(ulong? seed)
        {
            Sampler sampler = new(Plain with { Seed = seed }, 1000);
            return [.. Enumerable.Range(0, 50).Select(_ => sampler.Sample(new float[1000], []))];
        }

        Assert.Equal(Draw(42), Draw(42));
        Assert.NotEqual(Draw(42), Draw(43));
        Assert.NotEqual(Draw(null), Draw(null));
    }

    [Fact]
    public void ASeedMeansTheseTokensForever()
    {
        Sampler sampler = new(Plain with { Seed = 1 }, 256);
        int[] tokens = [.. Enumerable.Range(0, 8).Select(_ => sampler.Sample(new float[256], []))];

        // With 256 equal logits the token is the top byte of each number of the generator, high ids on top.
        Xoshiro256 random = new(1);
        Assert.Equal([.. Enumerable.Range(0, 8).Select(_ => (int)(random.NextUInt64() >> 56))], tokens);
    }

    [Fact]
    public void GreedyTakesTheLargestAndTheLowestIdAmongEquals()
    {
        Sampler sampler = new(SamplerOptions.Greedy, 5);
        Assert.Equal(1, sampler.Sample([1, 3, 2, 3, float.NaN], []));
        Assert.Equal(2, sampler.Sample([float.NaN, float.NegativeInfinity, -5, float.NegativeInfinity, float.NaN], []));
        Assert.Equal(3, sampler.Sample([1, 2, 3, float.PositiveInfinity, 4], []));
    }

    [Fact]
    public void GreedyLooksAtBiasAndPenalties()
    {
        Sampler biased = new(SamplerOptions.Greedy with { LogitBias = new Dictionary<int, float> { [0] = 5, [1] = float.NegativeInfinity } }, 3);
        Assert.Equal(0, biased.Sample([0, 9, 4], []));
        Sampler penalised = new(SamplerOptions.Greedy with { PresencePenalty = 2, PenaltyWindow = 2 }, 3);
        Assert.Equal(1, penalised.Sample([3, 2, 0], [1, 0, 2]));
        Assert.Equal(0, penalised.Sample([3, 2, 0], [0, 1, 2]));
    }

    [Fact]
    public void BiasComesBeforePenalties()
    {
        // 2 * (-1 - 1) = -4, not (2 * -1) - 1 = -3.
        float[] logits = [-1, -3.5f];
        SamplerOptions options = SamplerOptions.Greedy with { RepeatPenalty = 2, LogitBias = new Dictionary<int, float> { [0] = -1 } };
        Assert.Equal(1, new Sampler(options, 2).Sample(logits, [0]));
        Assert.Equal(-4, logits[0]);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1f)]
    public void NaNIsNeverChosenAndNothingToChooseIsAnError(float temperature)
    {
        Sampler sampler = new(Plain with { Temperature = temperature }, 3);
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(1, sampler.Sample([float.NaN, -80, float.NegativeInfinity], []));
            Assert.Equal(2, sampler.Sample([float.NaN, 1, float.PositiveInfinity], []));
        }

        InvalidOperationException fault = Assert.Throws<InvalidOperationException>(
            () => sampler.Sample([float.NaN, float.NegativeInfinity, float.NegativeInfinity], []));
        Assert.Contains("logit bias", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    public void AllocatesNothingPerToken(int topK)
    {
        const int Vocabulary = 151_552;
        SamplerOptions options = new()
        {
            TopK = topK,
            MinP = 0.01f,
            RepeatPenalty = 1.1f,
            PenaltyWindow = -1,
            LogitBias = new Dictionary<int, float> { [3] = 1, [4] = float.NegativeInfinity },
            Seed = 1,
        };
        Sampler sampler = new(options, Vocabulary);
        Sampler greedy = new(options with { Temperature = 0 }, Vocabulary);
        float[] logits = new float[Vocabulary];
        Random random = new(1);
        int[] history = [.. Enumerable.Range(0, 100).Select(_ => random.Next(Vocabulary))];
        long before = 0;
        for (int i = 0; i < 5; i++)
        {
            for (int id = 0; id < Vocabulary; id++)
            {
                logits[id] = random.NextSingle() * 20;
            }

            before = i == 2 ? GC.GetAllocatedBytesForCurrentThread() : before;
            sampler.Sample(logits, history);
            greedy.Sample(logits, history);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void OptionsOutOfRangeAreNamedWithTheirRange()
    {
        Rejects(new() { Temperature = -1 }, "Temperature", "0 (greedy) or more");
        Rejects(new() { Temperature = float.NaN }, "Temperature", "finite");
        Rejects(new() { TopK = -1 }, "TopK", "0 (keep all) or more");
        Rejects(new() { TopP = 0 }, "TopP", "(0, 1]");
        Rejects(new() { TopP = 1.01f }, "TopP", "(0, 1]");
        Rejects(new() { TopP = float.NaN }, "TopP", "(0, 1]");
        Rejects(new() { MinP = -0.1f }, "MinP", "[0, 1]");
        Rejects(new() { MinP = 1.1f }, "MinP", "[0, 1]");
        Rejects(new() { RepeatPenalty = 0 }, "RepeatPenalty", "above 0");
        Rejects(new() { PresencePenalty = float.PositiveInfinity }, "PresencePenalty", "finite");
        Rejects(new() { FrequencyPenalty = float.NaN }, "FrequencyPenalty", "finite");
        Rejects(new() { PenaltyWindow = -2 }, "PenaltyWindow", "-1 (all tokens)");
        Rejects(new() { LogitBias = new Dictionary<int, float> { [10] = 1 } }, "LogitBias", "0 to 9");
        Rejects(new() { LogitBias = new Dictionary<int, float> { [-1] = 1 } }, "LogitBias", "0 to 9");
        Rejects(new() { LogitBias = new Dictionary<int, float> { [1] = float.NaN } }, "LogitBias[1]", "-infinity");
        Rejects(new() { LogitBias = new Dictionary<int, float> { [1] = float.PositiveInfinity } }, "LogitBias[1]", "-infinity");
    }

    private static void Rejects(SamplerOptions options, string option, string range)
    {
        ArgumentOutOfRangeException fault = Assert.Throws<ArgumentOutOfRangeException>(() => new Sampler(options, 10));
        Assert.Equal(option, fault.ParamName);
        Assert.Contains(range, fault.Message, StringComparison.Ordinal);
    }
}
