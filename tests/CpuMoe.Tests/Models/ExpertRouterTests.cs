using CpuMoe.Models;
using CpuMoe.Tests.Compute;

namespace CpuMoe.Tests.Models;

public class ExpertRouterTests
{
    private const int Experts = 24;

    public static TheoryData<int, bool, float> Settings => new MatrixTheoryData<int, bool, float>([1, 2, 3], [false, true], [1f, 2.5f]);

    [Theory]
    [MemberData(nameof(Settings))]
    public void MatchesASlowReference(int gating, bool normalize, float scale)
    {
        var random = new Random(gating);
        for (int round = 0; round < 200; round++)
        {
            int used = random.Next(1, Experts + 1);
            float[] logits = RandomBlocks.Floats(random, Experts, round % 5 == 0 ? 9 : 4);
            float[] bias = round % 3 == 0 ? [] : RandomBlocks.Floats(random, Experts, 0.3f);
            (int[] selected, float[] weights) = Route(new RouterSettings((GatingFunction)gating, used, normalize, scale), logits, bias);
            (int[] expected, double[] expectedWeights) = Reference(gating, used, normalize, scale, logits, bias);
            Assert.Equal(expected, selected);
            for (int i = 0; i < used; i++)
            {
                Assert.Equal(expectedWeights[i], weights[i], 2e-6 * scale);
            }
        }
    }

    [Fact]
    public void TiesGoToTheLowerExpert()
    {
        float[] logits = new float[Experts];
        logits[20] = logits[7] = logits[11] = 1;
        (int[] selected, _) = Route(new RouterSettings(GatingFunction.Sigmoid, 5, true, 1), logits, []);
        Assert.Equal([7, 11, 20, 0, 1], selected);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void NaNsAreNeverPreferred(int gating)
    {
        float[] logits = [.. Enumerable.Range(0, Experts).Select(x => x % 2 == 0 ? float.NaN : -x)];
        (int[] selected, float[] weights) = Route(new RouterSettings((GatingFunction)gating, 4, true, 1), logits, []);
        Assert.Equal([1, 3, 5, 7], selected);
        Assert.All(weights, w => Assert.True(float.IsFinite(w)));
        Assert.Equal(1, weights.Sum(), 1e-5);
    }

    [Fact]
    public void NaNsInTheBiasAreNeverPreferred()
    {
        float[] bias = new float[Experts];
        bias[0] = float.NaN;
        (int[] selected, _) = Route(new RouterSettings(GatingFunction.Sigmoid, 2, true, 1), new float[Experts], bias);
        Assert.Equal([1, 2], selected);
    }

    [Fact]
    public void EvenAllNaNSelectsDifferentExperts()
    {
        float[] logits = [.. Enumerable.Repeat(float.NaN, Experts)];
        (int[] selected, _) = Route(new RouterSettings(GatingFunction.Sigmoid, Experts, false, 1), logits, []);
        Assert.Equal(Enumerable.Range(0, Experts), selected);
    }

    [Theory]
    [InlineData(-200f)]
    [InlineData(-90f)]
    [InlineData(float.NegativeInfinity)]
    public void ScoresThatAllUnderflowGiveFiniteWeights(float logit)
    {
        float[] logits = [.. Enumerable.Repeat(logit, Experts)];
        (int[] selected, float[] weights) = Route(new RouterSettings(GatingFunction.Sigmoid, 3, true, 2.5f), logits, []);
        Assert.Equal([0, 1, 2], selected);
        Assert.All(weights, w => Assert.InRange(w, 0, 1e-6f));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void SoftmaxOfLargeLogitsIsFinite(int gating)
    {
        float[] logits = [.. Enumerable.Range(0, Experts).Select(x => 1000f + x)];
        (int[] selected, float[] weights) = Route(new RouterSettings((GatingFunction)gating, 2, false, 1), logits, []);
        Assert.Equal([23, 22], selected);
        Assert.Equal(0.7311, weights[0], gating == 3 ? 1e-3 : 0.1);
    }

    [Fact]
    public void BiasDecidesTheSelectionButNotTheWeights()
    {
        float[] logits = new float[Experts];
        logits[3] = 2;
        float[] bias = new float[Experts];
        bias[9] = 10;
        (int[] selected, float[] weights) = Route(new RouterSettings(GatingFunction.Sigmoid, 2, false, 1), logits, bias);
        Assert.Equal([9, 3], selected);
        Assert.Equal(0.5, weights[0], 1e-6);
        Assert.Equal(1 / (1 + Math.Exp(-2)), weights[1], 1e-6);
    }

    private static (int[] Selected, float[] Weights) Route(RouterSettings settings, float[] logits, float[] bias)
    {
        var router = new ExpertRouter(settings, logits.Length);
        int[] selected = new int[settings.ExpertsUsed];
        float[] weights = new float[settings.ExpertsUsed];
        router.Select(logits, bias, selected, weights);
        return (selected, weights);
    }

    private static (int[] Selected, double[] Weights) Reference(int gating, int used, bool normalize, float scale, float[] logits, float[] bias)
    {
        double[] Softmax(IEnumerable<double> x) => [.. x.Select(v => Math.Exp(v - x.Max()) / x.Sum(u => Math.Exp(u - x.Max())))];

        double[] z = [.. logits];
        double[] scores = gating switch
        {
            1 => Softmax(z),
            2 => [.. z.Select(v => 1 / (1 + Math.Exp(-v)))],
            _ => z,
        };

        // Compared as floats, as the engine does: scores that a float cannot tell apart are ties.
        float Selection(int x) => (float)scores[x] + (bias.Length == 0 ? 0 : bias[x]);
        int[] selected = [.. Enumerable.Range(0, logits.Length).OrderByDescending(Selection).ThenBy(x => x).Take(used)];
        double[] weights = [.. selected.Select(x => scores[x])];
        weights = gating == 3 ? Softmax(weights) : weights;
        double sum = normalize ? Math.Max(weights.Sum(), Math.Pow(2, -14)) : 1;
        return (selected, [.. weights.Select(w => w / sum * scale)]);
    }
}
