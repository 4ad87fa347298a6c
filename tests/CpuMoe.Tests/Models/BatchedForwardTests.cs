using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Testing;

namespace CpuMoe.Tests.Models;

/// <summary>What else is in a pass must not show in the logits of a sequence, nor how its prompt was cut.</summary>
public class BatchedForwardTests
{
    private static readonly TinyGlm Shape = new()
    {
        DenseType = GgmlType.Q8_0,
        ExpertType = GgmlType.Q4_0,
        DownType = GgmlType.Q5_1,
        VocabularyType = GgmlType.Q8_0,
    };

    private static readonly ModelOptions TwoThreads = new() { Threads = 2 };

    [Theory]
    [InlineData(512)]
    [InlineData(16)]
    public void SequencesGiveTheSameBitsTogetherAsAlone(int batchSize)
    {
        using var open = new OpenModel(Shape, TwoThreads with { BatchSize = batchSize });
        CheckTogether(open.Model, 40);
    }

    [Theory]
    [InlineData("f16")]
    [InlineData("Q8_0")]
    [InlineData("Q4_K_M")]
    [InlineData("Q2_K")]
    public void SequencesOfTheDemoModelGiveTheSameBitsTogetherAsAlone(string mix)
    {
        using GgufFile file = GgufFile.Open(TestData.DemoModelOf(mix));
        using Model model = Model.Load(file, TwoThreads);
        CheckTogether(model, 1000);
    }

    [Fact]
    public void ACancelledPassLeavesAllCaches()
    {
        using var open = new OpenModel(Shape);
        using KvCache first = open.Model.CreateCache(10, KvType.F16);
        using KvCache second = open.Model.CreateCache(10, KvType.F16);
        open.Model.Append(first, 1, 2, 3);
        float[] logits = new float[open.Model.VocabularySize];
        Assert.Throws<OperationCanceledException>(() =>
            open.Model.Forward([1, 2, 4], [new SequenceSegment(second, 2, 0, true), new SequenceSegment(first, 1, 1, false)], logits, new CancellationToken(canceled: true)));
        Assert.Equal((3, 0), (first.Length, second.Length));
    }

    [Fact]
    public void SegmentsThatDoNotFitAreRefused()
    {
        using var open = new OpenModel(Shape);
        using KvCache cache = open.Model.CreateCache(10, KvType.F16);
        using KvCache other = open.Model.CreateCache(10, KvType.F16);
        using var foreign = new KvCache(1, 1, 32, 32, 10, KvType.F16);
        Refuses([1, 2], [new(cache, 1, 0, false), new(cache, 1, 0, false)], 0);
        Refuses([1, 2], [new(cache, 1, 0, false), new(other, 1, 0, true)], 0);
        Refuses([1], [new(cache, 2, 0, true)], 0);
        Refuses([1, 2], [new(cache, 1, 0, true)], 0);
        Refuses([], [new(cache, 0, 0, true)], 0);
        Refuses(new int[11], [new(cache, 11, 0, true)], 0);
        Refuses([1], [new(cache, 1, 2, true)], 2);
        Refuses([1], [new(cache, 1, 1, true)], 0);
        Refuses([1], [new(foreign, 1, 1, true)], 1);
        Refuses([-1], [new(cache, 1, 1, true)], 1);
        foreign.Dispose();
        Assert.Throws<ObjectDisposedException>(() => open.Model.Evaluate([1], foreign, []));
        Assert.Equal((0, 0), (cache.Length, other.Length));

        void Refuses(int[] tokens, SequenceSegment[] segments, int rows) =>
            Assert.ThrowsAny<ArgumentException>(() => open.Model.Forward(tokens, segments, new float[rows * open.Model.VocabularySize], TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(KvType.F16)]
    [InlineData(KvType.Q8_0)]
    public void APrefixIsCopiedWhole(KvType type)
    {
        using var open = new OpenModel(Shape);
        using KvCache source = open.Model.CreateCache(50, type);
        using KvCache target = open.Model.CreateCache(33, type);
        int[] tokens = ModelExtensions.RandomTokens(40);
        open.Model.Append(source, tokens);
        open.Model.Append(target, 7, 7, 7);
        target.CopyPrefix(source, 25);
        Assert.Equal(25, target.Length);
        source.Truncate(25);
        Assert.Equal(open.Model.Append(source, tokens.AsSpan(30..38)), open.Model.Append(target, tokens.AsSpan(30..38)));
        Assert.Throws<ArgumentOutOfRangeException>(() => target.CopyPrefix(source, 34));
    }

    /// <summary>Prompts and single tokens of several sequences, in passes of their own and in common ones with the prompts cut elsewhere.</summary>
    private static void CheckTogether(Model model, int vocabulary)
    {
        const int Sequences = 9, Decoded = 12;
        var random = new Random(4);
        int[][] tokens = [.. Enumerable.Range(0, Sequences).Select(i => ModelExtensions.RandomTokens(random.Next(2, 90) + Decoded, i, vocabulary))];
        float[][] expected = [.. tokens.Select(sequence => Alone(model, sequence, sequence.Length - Decoded))];
        KvCache[] caches = [.. tokens.Select(sequence => model.CreateCache(sequence.Length, KvType.F16))];
        var actual = new List<float>[Sequences];
        for (int i = 0; i < Sequences; i++)
        {
            actual[i] = [];
        }

        while (caches.Where((cache, i) => cache.Length < tokens[i].Length).Any())
        {
            List<int> input = [];
            List<(int Sequence, SequenceSegment Segment)> segments = [];
            foreach (bool isPrompt in (bool[])[true, false])
            {
                for (int i = 0; i < Sequences; i++)
                {
                    int left = tokens[i].Length - caches[i].Length;
                    if (left > 0 && left > Decoded == isPrompt && random.Next(4) > 0)
                    {
                        int count = isPrompt ? random.Next(1, left - Decoded + 1) : 1;
                        input.AddRange(tokens[i].AsSpan(caches[i].Length, count));
                        segments.Add((i, new SequenceSegment(caches[i], count, left - count <= Decoded ? 1 : 0, isPrompt)));
                    }
                }
            }

            float[] logits = new float[segments.Sum(s => s.Segment.LogitRows) * model.VocabularySize];
            model.Forward(input.ToArray(), segments.Select(s => s.Segment).ToArray(), logits, TestContext.Current.CancellationToken);
            int row = 0;
            foreach ((int sequence, SequenceSegment segment) in segments)
            {
                actual[sequence].AddRange(logits.AsSpan(row * model.VocabularySize, segment.LogitRows * model.VocabularySize));
                row += segment.LogitRows;
            }
        }

        for (int i = 0; i < Sequences; i++)
        {
            Assert.Equal(expected[i], actual[i]);
            caches[i].Dispose();
        }
    }

    /// <summary>The logits behind a prompt and behind every token after it.</summary>
    private static float[] Alone(Model model, int[] tokens, int prompt)
    {
        using KvCache cache = model.CreateCache(tokens.Length, KvType.F16);
        float[] logits = new float[model.VocabularySize];
        model.Forward(tokens.AsSpan(..prompt), [new SequenceSegment(cache, prompt, 1, IsPrompt: true)], logits, TestContext.Current.CancellationToken);
        List<float> all = [.. logits];
        foreach (int token in tokens[prompt..])
        {
            all.AddRange(model.Append(cache, token));
        }

        return [.. all];
    }
}
