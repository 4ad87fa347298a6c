using CpuMoe.Generation;

namespace CpuMoe.Tests.Generation;

public class SamplerStepTests
{
    private const int Cases = 400;

    [Fact]
    public void TopKKeepsTheReferenceSet()
    {
        Random random = new(1);
        for (int i = 0; i < Cases; i++)
        {
            float[] logits = RandomLogits(random);
            int k = random.Next(1, logits.Length + 3);
            Candidate[] kept = [.. TopK.Keep(logits, new Candidate[Math.Min(k, logits.Length)])];
            Assert.Equal(SamplerReference.TopK(logits, k).Order(), kept.Select(c => c.Id).Order());
            Assert.All(kept, c => Assert.Equal(logits[c.Id], c.Logit));
        }
    }

    [Fact]
    public void TopPKeepsTheReferenceSet()
    {
        Random random = new(2);
        for (int i = 0; i < Cases; i++)
        {
            float[] logits = RandomLogits(random);
            float p = 1 - random.NextSingle();
            Candidate[] candidates = [.. TopK.Keep(logits, new Candidate[logits.Length])];
            List<int> expected = SamplerReference.TopP(logits, SamplerReference.TopK(logits, 0), p);
            Assert.Equal(expected.Order(), [.. Ids(TopP.Keep(candidates, p)).Order()]);
        }
    }

    [Fact]
    public void MinPKeepsTheReferenceSet()
    {
        Random random = new(3);
        for (int i = 0; i < Cases; i++)
        {
            float[] logits = RandomLogits(random);
            float fraction = random.NextSingle() * random.NextSingle();
            Candidate[] candidates = [.. TopK.Keep(logits, new Candidate[logits.Length])];
            List<int> expected = SamplerReference.MinP(logits, SamplerReference.TopK(logits, 0), fraction);
            Assert.Equal(expected.Order(), [.. Ids(MinP.Keep(candidates, fraction)).Order()]);
        }
    }

    [Fact]
    public void StepsAtTheirLimitsKeepAllOrTheBest()
    {
        Candidate[] candidates = [new(0, 1), new(1, 3), new(2, 3), new(3, float.MinValue)];
        Assert.Equal(4, TopP.Keep([.. candidates], 1).Length);
        Assert.Equal([1], Ids(TopP.Keep([.. candidates], float.Epsilon)));
        Assert.Equal(4, MinP.Keep([.. candidates], 0).Length);
        Assert.Equal([1, 2], Ids(MinP.Keep([.. candidates], 1)));
        Assert.True(TopP.Keep([], 0.5f).IsEmpty);
        Assert.True(MinP.Keep([], 0.5f).IsEmpty);
    }

    [Fact]
    public void PenaltiesAreTheReferenceOnes()
    {
        Random random = new(4);
        for (int i = 0; i < Cases; i++)
        {
            float[] logits = RandomLogits(random);
            int[] history = [.. Enumerable.Range(0, random.Next(0, 60)).Select(_ => random.Next(logits.Length))];
            SamplerOptions options = new()
            {
                RepeatPenalty = 0.5f + (2 * random.NextSingle()),
                PresencePenalty = random.NextSingle() - 0.3f,
                FrequencyPenalty = random.NextSingle() - 0.3f,
                PenaltyWindow = random.Next(-1, 70),
            };
            float[] expected = SamplerReference.Penalise(logits, history, options.PenaltyWindow, options.RepeatPenalty, options.PresencePenalty, options.FrequencyPenalty);
            Penalties? penalties = Penalties.Create(options, logits.Length);
            Assert.Equal(options.PenaltyWindow == 0, penalties is null);

            // Twice: nothing of the first history may be left over for the second.
            float[] once = [.. logits];
            penalties?.Apply(once, history);
            Assert.Equal(expected, once);
            float[] again = [.. logits];
            penalties?.Apply(again, history);
            Assert.Equal(expected, again);
        }
    }

    [Fact]
    public void RandomNumbersAreThoseOfThePublishedGenerators()
    {
        // splitmix64 from seed 0 gives the well-known sequence e220a8397b1dcdaf, 6e789e6aa1b965f4, 06c45d188009454f,
        // f88bb8a8724c81ec; the first xoshiro256** outputs follow from that state by hand: rotl(s1 * 5, 7) * 9.
        Xoshiro256 random = new(0);
        ulong s1 = 0x6E789E6AA1B965F4;
        Assert.Equal(ulong.RotateLeft(s1 * 5, 7) * 9, random.NextUInt64());
        ulong next = s1 ^ 0x06C45D188009454F ^ 0xE220A8397B1DCDAF;
        Assert.Equal(ulong.RotateLeft(next * 5, 7) * 9, random.NextUInt64());
        for (int i = 0; i < 10_000; i++)
        {
            Assert.InRange(random.NextDouble(), 0, 1 - (1.0 / (1L << 53)));
        }
    }

    private static int[] Ids(ReadOnlySpan<Candidate> candidates)
    {
        int[] ids = new int[candidates.Length];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = candidates[i].Id;
        }

        return ids;
    }

    /// <summary>Coarse steps, so that equal logits occur; some NaN and -infinity, but not only those.</summary>
    private static float[] RandomLogits(Random random)
    {
        float[] logits = new float[random.Next(1, 120)];
        for (int id = 0; id < logits.Length; id++)
        {
            logits[id] = random.Next(12) switch
            {
                0 => float.NaN,
                1 => float.NegativeInfinity,
                _ => (random.Next(64) - 32) / 4f,
            };
        }

        logits[random.Next(logits.Length)] = 0;
        return logits;
    }
}
