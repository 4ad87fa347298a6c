using CpuMoe.Compute;
using CpuMoe.Gguf;

namespace CpuMoe.Tests.Compute;

public sealed unsafe class FeedForwardTests
{
    private const int Embedding = 64;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void OneDenseGroupOverManyTokens(int threads)
    {
        foreach (int tokens in (int[])[1, 5, 64, 100])
        {
            Check(threads, tokens, [new Group(Width: 96, Tokens: null, Weighted: false, GgmlType.F32)]);
        }
    }

    [Fact]
    public void ManyGroupsWithTokenListsAndWeights()
    {
        // The shared expert over all tokens; routed experts of other widths and types with lists that repeat nothing,
        // one of them longer than a pass of 64; one group with a single token.
        Check(3, 130,
        [
            new Group(32, null, false, GgmlType.F16),
            new Group(48, [.. Enumerable.Range(0, 130).Where(t => t % 2 == 0)], true, GgmlType.F32),
            new Group(48, [.. Enumerable.Range(0, 130).Where(t => t % 7 != 0).Reverse()], true, GgmlType.F32),
            new Group(48, [129], true, GgmlType.F32),
            new Group(20, [5, 3, 4], true, GgmlType.BF16),
        ]);
    }

    [Fact]
    public void GroupsOfSeveralActivationForms()
    {
        // Q8_0 and Q4_0 share a form of x, F32 has its own: close, as activations are rounded to 8 bits.
        Check(2, 10, [new Group(64, null, false, GgmlType.Q8_0), new Group(32, [1, 2, 9], true, GgmlType.F32), new Group(32, [0], true, GgmlType.Q4_0)], tolerance: 0.02);
    }

    [Fact]
    public void GateIsSwish()
    {
        // One value, weights 1: y = silu(x) * x.
        using var pool = new WorkerPool(1);
        using var one = new RandomMatrix(new Random(1), GgmlType.F32, 1, 1);
        float weight = one.Values[0][0];
        foreach (float value in (float[])[-100, -3, -1, -0.5f, 0, 0.5f, 2, 50])
        {
            using var x = new ActivationMatrix(1, 1);
            using var hidden = new ActivationMatrix(1, 1);
            x.Begin(1, 0);
            hidden.Begin(1, 0);
            x.Values[0] = value;
            var feedForward = new FeedForward(pool, 1);
            WeightMatrix w = one.On(MatMulPath.Fast);
            feedForward.Begin(x);
            feedForward.Add(0, new FeedForwardGroup(new FeedForwardWeights(w, w, w), hidden, 0, 1, 0, null, null));
            float y = 0;
            feedForward.Activate();
            feedForward.Accumulate(&y);
            double inner = (double)weight * value;
            Near.Equal([inner / (1 + Math.Exp(-inner)) * inner * weight], [y], 1e-5);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void WhenGroupsArriveDoesNotChangeABit(int threads)
    {
        const int Tokens = 7, Width = 64, Groups = 5;
        var random = new Random(4);
        using var pool = new WorkerPool(threads);
        using var x = new ActivationMatrix(Tokens, Embedding);
        x.Begin(Tokens, Tokens);
        RandomBlocks.Floats(random, Tokens * Embedding).CopyTo(new Span<float>(x.Values, Tokens * Embedding));
        RandomMatrix[] gates = Matrices(Width, Embedding), ups = Matrices(Width, Embedding), downs = Matrices(Embedding, Width);
        using var hidden = new ActivationMatrix(Groups * Tokens, Width);
        var feedForward = new FeedForward(pool, Groups);

        float[] expected = Run([[0, 1, 2, 3, 4]], accumulateEach: false);
        Assert.Equal(expected, Run([[3, 1], [4], [0, 2]], accumulateEach: false));
        Assert.Equal(expected, Run([[0], [1, 2], [3], [4]], accumulateEach: true));
        Assert.Equal(expected, Run([[], [1, 0], [4, 3, 2]], accumulateEach: true));
        Array.ForEach([.. gates, .. ups, .. downs], matrix => matrix.Dispose());

        RandomMatrix[] Matrices(int rows, int columns) => [.. Enumerable.Range(0, Groups).Select(_ => new RandomMatrix(random, GgmlType.Q4_0, rows, columns))];

        float[] Run(int[][] waves, bool accumulateEach)
        {
            float[] y = new float[Tokens * Embedding];
            hidden.Begin(Groups * Tokens, 0);
            feedForward.Begin(x);
            fixed (float* output = y)
            {
                foreach (int[] wave in waves)
                {
                    foreach (int g in wave)
                    {
                        var network = new FeedForwardWeights(gates[g].On(MatMulPath.Fast), ups[g].On(MatMulPath.Fast), downs[g].On(MatMulPath.Fast));
                        feedForward.Add(g, new FeedForwardGroup(network, hidden, g * Tokens, Tokens, Tokens - g, null, null));
                    }

                    feedForward.Activate();
                    if (accumulateEach)
                    {
                        feedForward.Accumulate(output);
                    }
                }

                feedForward.Accumulate(output);
            }

            return y;
        }
    }

    private static void Check(int threads, int tokens, Group[] groups, double tolerance = 1e-5)
    {
        var random = new Random(tokens);
        using var pool = new WorkerPool(threads);
        using var x = new ActivationMatrix(tokens, Embedding);
        x.Begin(tokens, tokens - (tokens / 3));
        float[] inputs = RandomBlocks.Floats(random, tokens * Embedding);
        inputs.CopyTo(new Span<float>(x.Values, inputs.Length));
        float[] y = RandomBlocks.Floats(random, tokens * Embedding);
        double[] expected = [.. y];
        var owned = new List<IDisposable>();
        var feedForward = new FeedForward(pool, groups.Length);

        // Twice: the second call must not remember the first.
        for (int call = 0; call < 2; call++)
        {
            feedForward.Begin(x);
            for (int g = 0; g < groups.Length; g++)
            {
                AddGroup(g, groups[g]);
            }

            feedForward.Activate();
            fixed (float* output = y)
            {
                feedForward.Accumulate(output);
            }
        }

        Near.Equal(expected, y, tolerance);
        owned.ForEach(o => o.Dispose());

        void AddGroup(int place, Group group)
        {
            RandomMatrix gate = Own(new RandomMatrix(random, group.Type, group.Width, Embedding));
            RandomMatrix up = Own(new RandomMatrix(random, group.Type, group.Width, Embedding));
            RandomMatrix down = Own(new RandomMatrix(random, group.Type, Embedding, group.Width));
            int rows = group.Tokens?.Length ?? tokens;

            // The group's inner rows need not be the first ones.
            const int FirstHidden = 2;
            var hidden = Own(new ActivationMatrix(FirstHidden + rows, group.Width));
            hidden.Begin(FirstHidden + rows, 0);
            new Span<float>(hidden.Values, FirstHidden * group.Width).Clear();
            var list = Own(new NativeBuffer<int>(rows));
            var weights = Own(new NativeBuffer<float>(rows));
            for (int i = 0; i < rows; i++)
            {
                int token = group.Tokens?[i] ?? i;
                list.Pointer[i] = token;
                weights.Pointer[i] = group.Weighted ? random.NextSingle() : 1;
                float[] input = inputs[(token * Embedding)..][..Embedding];
                float[] inner = [.. gate.Times(input).Zip(up.Times(input), (g, u) => (float)(g / (1 + Math.Exp(-g)) * u))];
                double[] result = down.Times(inner);
                for (int e = 0; e < Embedding; e++)
                {
                    expected[(token * Embedding) + e] += weights.Pointer[i] * result[e];
                }
            }

            feedForward.Add(place, new FeedForwardGroup(
                new FeedForwardWeights(gate.On(MatMulPath.Fast), up.On(MatMulPath.Fast), down.On(MatMulPath.Fast)),
                hidden,
                FirstHidden,
                rows,
                rows - (rows / 3),
                group.Tokens is null ? null : list.Pointer,
                group.Weighted ? weights.Pointer : null));
        }

        T Own<T>(T resource)
            where T : IDisposable
        {
            owned.Add(resource);
            return resource;
        }
    }

    private sealed record Group(int Width, int[]? Tokens, bool Weighted, GgmlType Type);
}
