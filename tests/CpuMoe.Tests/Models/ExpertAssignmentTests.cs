using CpuMoe.Models;
using CpuMoe.Tests.Compute;

namespace CpuMoe.Tests.Models;

public unsafe class ExpertAssignmentTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(16, 4, 1)]
    [InlineData(16, 4, 37)]
    [InlineData(8, 8, 10)]
    [InlineData(128, 8, 64)]
    public void EveryPairComesOnceOrderedByExpert(int experts, int used, int tokens)
    {
        var settings = new RouterSettings(GatingFunction.Sigmoid, used, NormalizeWeights: true, WeightScale: 2.5f);
        using var assignment = new ExpertAssignment(experts, settings, batchSize: 64);
        var router = new ExpertRouter(settings, experts);

        // Twice, the second time fewer tokens: nothing is left over from the first.
        foreach (int count in (int[])[tokens, (tokens + 1) / 2])
        {
            float[] logits = RandomBlocks.Floats(new Random(count), count * experts, 3);
            float[] bias = RandomBlocks.Floats(new Random(1), experts, 0.1f);
            fixed (float* l = logits, b = bias)
            {
                assignment.Assign(l, b, count);
            }

            var actual = new List<(int Expert, int Token, float Weight)>();
            int next = 0;
            for (int expert = 0; expert < experts; expert++)
            {
                int rows = assignment.TokensOf(expert, out int first);
                Assert.Equal(next, first);
                for (int pair = first; pair < first + rows; pair++)
                {
                    actual.Add((expert, assignment.Tokens[pair], assignment.Weights[pair]));
                }

                next += rows;
            }

            var expected = new List<(int Expert, int Token, float Weight)>();
            int[] selected = new int[used];
            float[] weights = new float[used];
            for (int token = 0; token < count; token++)
            {
                router.Select(logits.AsSpan(token * experts, experts), bias, selected, weights);
                expected.AddRange(selected.Zip(weights, (expert, weight) => (expert, token, weight)));
            }

            Assert.Equal(expected.OrderBy(pair => pair.Expert).ThenBy(pair => pair.Token), actual);
        }
    }
}
