using CpuMoe.Gguf;
using CpuMoe.Models;

namespace CpuMoe.Tests.Models;

/// <summary>What holds of every pass, whatever the weights: how a sequence is cut must not show in the logits.</summary>
public class Glm4MoeForwardTests
{
    private static readonly TinyGlm Shape = new();

    private static readonly TinyGlm Quantized = new()
    {
        DenseType = GgmlType.Q8_0,
        ExpertType = GgmlType.Q4_0,
        DownType = GgmlType.Q5_1,
        VocabularyType = GgmlType.Q8_0,
    };

    [Theory]
    [InlineData(false, ComputePath.Fast)]
    [InlineData(true, ComputePath.Fast)]
    [InlineData(true, ComputePath.Reference)]
    public void NeitherThreadsNorBatchesChangeABit(bool quantized, ComputePath compute)
    {
        using var open = new OpenModel(quantized ? Quantized : Shape, new ModelOptions { Threads = 1, BatchSize = 512, Compute = compute });
        int[] tokens = ModelExtensions.RandomTokens(150);
        float[] expected = open.Model.AllLogits(tokens, KvType.F16);
        foreach ((int batch, int threads) in ((int, int)[])[(1, 2), (3, 1), (7, 5), (64, 3), (512, 2), (512, 5)])
        {
            using Model model = open.LoadAgain(new ModelOptions { Threads = threads, BatchSize = batch, Compute = compute });
            Assert.Equal(threads, model.Threads);
            float[] actual = model.AllLogits(tokens, KvType.F16);
            Assert.Equal(expected, actual);
        }
    }

    [Theory]
    [InlineData(KvType.F32)]
    [InlineData(KvType.F16)]
    [InlineData(KvType.Q8_0)]
    public void PrefillAndDecodeEqualOnePass(KvType type)
    {
        using var open = new OpenModel(Quantized);
        int[] tokens = ModelExtensions.RandomTokens(80);
        float[] expected = open.Model.AllLogits(tokens, type);
        using KvCache cache = open.Model.CreateCache(100, type);
        var actual = new List<float>();
        actual.AddRange(open.Model.Append(cache, tokens.AsSpan(..61)));
        actual.AddRange(open.Model.Append(cache, tokens.AsSpan(61..62)));
        actual.AddRange(open.Model.Append(cache, tokens.AsSpan(62..67)));
        foreach (int token in tokens[67..])
        {
            actual.AddRange(open.Model.Append(cache, token));
        }

        AssertNear(expected, [.. actual]);
        Assert.Equal(80, cache.Length);
    }

    [Fact]
    public void RollingBackToAnyPositionForgetsWhatCameAfter()
    {
        using var open = new OpenModel(Shape);
        int[] tokens = ModelExtensions.RandomTokens(70);
        int[] others = ModelExtensions.RandomTokens(70, seed: 2);
        using KvCache cache = open.Model.CreateCache(70, KvType.F32);
        open.Model.Append(cache, tokens);
        foreach (int position in (int[])[69, 64, 63, 1, 0, 37])
        {
            cache.Truncate(position);
            float[] expected = open.Model.Append(cache, tokens.AsSpan(position..));
            cache.Truncate(position);
            Assert.Equal(position, cache.Length);
            open.Model.Append(cache, others.AsSpan(position..));
            cache.Truncate(position);
            Assert.Equal(expected, open.Model.Append(cache, tokens.AsSpan(position..)));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => cache.Truncate(71));
        Assert.Throws<ArgumentOutOfRangeException>(() => cache.Truncate(-1));
        Assert.Equal(70, cache.Length);
    }

    [Fact]
    public void KvTypesAreCloseButNotTheSame()
    {
        using var open = new OpenModel(Shape with { Rows = 40, RealTokens = 37 });
        int[] tokens = ModelExtensions.RandomTokens(60, most: 37);
        float[] exact = Finite(open.Model.AllLogits(tokens, KvType.F32));
        float largest = exact.Max(MathF.Abs);
        foreach ((KvType type, float tolerance) in ((KvType, float)[])[(KvType.F16, 0.01f), (KvType.Q8_0, 0.1f)])
        {
            float[] logits = Finite(open.Model.AllLogits(tokens, type));
            Assert.NotEqual(exact, logits);

            // Not the largest difference: a router's near-tie may fall the other way at a few tokens.
            double meanDifference = exact.Zip(logits, (a, b) => Math.Abs(a - b)).Average();
            Assert.InRange(meanDifference, 0, tolerance * largest);
        }

        static float[] Finite(float[] logits) => [.. logits.Where(float.IsFinite)];
    }

    [Fact]
    public void LogitsAreWrittenForNoneTheLastOrAllTokens()
    {
        using var open = new OpenModel(Shape, new ModelOptions { Threads = 2, BatchSize = 4 });
        int vocabulary = open.Model.VocabularySize;
        int[] tokens = ModelExtensions.RandomTokens(10);
        float[] all = open.Model.AllLogits(tokens);

        using KvCache cache = open.Model.CreateCache(11, KvType.F32);
        float[] last = new float[vocabulary];
        open.Model.Evaluate(tokens, cache, last);
        AssertNear(all[^vocabulary..], last);

        cache.Truncate(0);
        open.Model.Evaluate(tokens.AsSpan(..9), cache, []);
        Assert.Equal(9, cache.Length);
        AssertNear(all[^vocabulary..], open.Model.Append(cache, tokens[9]));
    }

    [Fact]
    public void TokensThatMustNotBeSampledAreMinusInfinity()
    {
        // 40 tokens, 3 of type unused, 2 rows without an entry in the token array.
        using var open = new OpenModel(Shape);
        Assert.Equal(45, open.Model.VocabularySize);
        foreach (float[] logits in open.Model.AllLogits([1, 2, 41]).Chunk(45))
        {
            Assert.All(logits[..40], logit => Assert.True(float.IsFinite(logit)));
            Assert.All(logits[40..], logit => Assert.Equal(float.NegativeInfinity, logit));
        }
    }

    [Fact]
    public void CancellingBeforeTheFirstLayerLeavesTheCache()
    {
        using var open = new OpenModel(Shape);
        using KvCache cache = open.Model.CreateCache(8, KvType.F32);
        open.Model.Append(cache, 1, 2);
        Assert.Throws<OperationCanceledException>(() => open.Model.Forward([3], cache, [], new CancellationToken(canceled: true)));
        Assert.Equal(2, cache.Length);
    }

    [Fact]
    public void CancellingInTheMiddleLeavesTheCacheAndTheModelUsable()
    {
        using var open = new OpenModel(Shape, new ModelOptions { Threads = 2, BatchSize = 1, Compute = ComputePath.Reference });
        int[] start = ModelExtensions.RandomTokens(5);
        float[] expected = open.Model.AllLogits([.. start, 7, 8]);

        // Far more work than the time before the cancellation allows.
        int[] longText = ModelExtensions.RandomTokens(100_000);
        using KvCache cache = open.Model.CreateCache(200_000, KvType.F32);
        open.Model.Append(cache, start);
        using var cancellation = new CancellationTokenSource();
        cancellation.CancelAfter(30);
        Assert.Throws<OperationCanceledException>(() => open.Model.Forward(longText, cache, [], cancellation.Token));
        Assert.Equal(5, cache.Length);
        Assert.Equal(expected[(5 * open.Model.VocabularySize)..], open.Model.Append(cache, 7, 8));
    }

    [Fact]
    public void TwoSequencesDoNotDisturbEachOther()
    {
        using var open = new OpenModel(Shape);
        int[] first = ModelExtensions.RandomTokens(30, seed: 3);
        int[] second = ModelExtensions.RandomTokens(30, seed: 4);
        float[] firstExpected = OneByOne(open.Model, first);
        float[] secondExpected = OneByOne(open.Model, second);
        using KvCache firstCache = open.Model.CreateCache(30, KvType.F32);
        using KvCache secondCache = open.Model.CreateCache(40, KvType.F32);
        var firstLogits = new List<float>();
        var secondLogits = new List<float>();
        for (int i = 0; i < 30; i++)
        {
            firstLogits.AddRange(open.Model.Append(firstCache, first[i]));
            secondLogits.AddRange(open.Model.Append(secondCache, second[i]));
        }

        Assert.Equal(firstExpected, firstLogits);
        Assert.Equal(secondExpected, secondLogits);
    }

    [Fact]
    public async Task SeveralThreadsMayUseOneModel()
    {
        using var open = new OpenModel(Shape);
        float[][] expected = [.. Enumerable.Range(0, 4).Select(seed => OneByOne(open.Model, ModelExtensions.RandomTokens(25, seed)))];
        await Task.WhenAll(Enumerable.Range(0, 4).Select(seed => Task.Run(() =>
        {
            for (int round = 0; round < 5; round++)
            {
                Assert.Equal(expected[seed], OneByOne(open.Model, ModelExtensions.RandomTokens(25, seed)));
            }
        })));
    }

    [Fact]
    public async Task ThreadsThatShareACacheCannotOverfillIt()
    {
        using var open = new OpenModel(Shape);
        using KvCache cache = open.Model.CreateCache(10, KvType.F32);
        int refused = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            try
            {
                open.Model.Append(cache, 1, 2, 3);
            }
            catch (ArgumentException)
            {
                Interlocked.Increment(ref refused);
            }
        })));
        Assert.Equal(9, cache.Length);
        Assert.Equal(5, refused);
    }

    private static float[] OneByOne(Model model, int[] tokens)
    {
        using KvCache cache = model.CreateCache(tokens.Length, KvType.F32);
        return [.. tokens.SelectMany(token => model.Append(cache, token))];
    }

    /// <summary>
    /// The tokens of a prompt meet the weights in another kernel than single tokens; its sums have another order, and where
    /// that moves an activation over the edge of an 8-bit code, a logit moves by a little more than rounding.
    /// </summary>
    private static void AssertNear(float[] expected, float[] actual)
    {
        float largest = expected.Where(float.IsFinite).Max(MathF.Abs);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(expected[i] == actual[i] || MathF.Abs(expected[i] - actual[i]) < 0.03f * largest, $"Logit {i}: {actual[i]}, expected {expected[i]}.");
        }
    }
}
