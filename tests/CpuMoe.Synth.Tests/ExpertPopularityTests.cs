using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using CpuMoe.Gguf;
using CpuMoe.Models;

namespace CpuMoe.Synth.Tests;

/// <summary>Routes random activations with the router tensors of Air's shape, by the engine's router.</summary>
public class ExpertPopularityTests
{
    private const int Embedding = 1024;
    private const int Experts = 128;
    private const int Used = 8;
    private const int Tokens = 4000;

    [Theory]
    [InlineData(0)]
    [InlineData(0.5)]
    [InlineData(1)]
    [InlineData(1.5)]
    public void SelectionBiasesMakeZipfsLaw(double skew)
    {
        float[] bias = Floats(new PlannedTensor("blk.1.exp_probs_b.bias", GgmlType.F32, [Experts], TensorRole.SelectionBias), skew, hasSelectionBias: true);
        double[] shares = Shares(Router(skew, hasSelectionBias: true), bias, GatingFunction.Sigmoid);

        // By Zipf's law, but no expert can be chosen more than once per token.
        double[] zipf = [.. Enumerable.Range(1, Experts).Select(rank => Math.Pow(rank, -skew))];
        double factor = 1;
        for (int i = 0; i < 100; i++)
        {
            factor *= Used / zipf.Sum(weight => Math.Min(0.99, factor * weight));
        }

        foreach (int rank in (int[])[0, 1, 3, 7, 15, 31, 63])
        {
            double expected = Math.Min(0.99, factor * zipf[rank]);
            Assert.InRange(shares[rank], 0.7 * expected, 1.4 * expected);
        }
    }

    [Fact]
    public void RowScalesSkewARouterWithoutBiases()
    {
        double[] even = Shares(Router(0, hasSelectionBias: false), [], GatingFunction.Softmax);
        double[] skewed = Shares(Router(1, hasSelectionBias: false), [], GatingFunction.Softmax);

        Assert.InRange(even[0] / even[^1], 1, 2);
        Assert.InRange(skewed[0], 0.3, 0.5);
        Assert.InRange(skewed[0] / skewed[31], 6, 14);
    }

    [Fact]
    public void RanksAreDealtAnewInEveryBlock()
    {
        int[] first = [.. Enumerable.Range(0, 8).Select(block =>
            TensorPrimitives.IndexOfMax<float>(Floats(new PlannedTensor($"blk.{block}.exp_probs_b.bias", GgmlType.F32, [Experts], TensorRole.SelectionBias), 1, true)))];

        Assert.True(first.Distinct().Count() > 4, string.Join(", ", first));
    }

    private static float[] Router(double skew, bool hasSelectionBias) =>
        Floats(new PlannedTensor("blk.1.ffn_gate_inp.weight", GgmlType.F32, [Embedding, Experts], TensorRole.Router), skew, hasSelectionBias);

    private static float[] Floats(PlannedTensor tensor, double skew, bool hasSelectionBias) =>
        MemoryMarshal.Cast<byte, float>(BlockFillerTests.Write(tensor, seed: 7, skew, Experts, Used, hasSelectionBias)).ToArray();

    /// <summary>The share of tokens that choose each expert, most popular first.</summary>
    private static double[] Shares(float[] router, float[] bias, GatingFunction gating)
    {
        ExpertRouter select = new(new RouterSettings(gating, Used, NormalizeWeights: true, WeightScale: 1), Experts);
        int[] counts = new int[Experts];
        int[] selected = new int[Used];
        float[] logits = new float[Experts];
        float[] weights = new float[Used];
        Random random = new(11);
        for (int token = 0; token < Tokens; token++)
        {
            float[] activation = new float[Embedding];
            for (int i = 0; i < Embedding; i++)
            {
                activation[i] = NormalTable.Values[random.Next(NormalTable.Length)];
            }

            for (int expert = 0; expert < Experts; expert++)
            {
                logits[expert] = TensorPrimitives.Dot(activation, router.AsSpan(expert * Embedding, Embedding));
            }

            select.Select(logits, bias, selected, weights);
            Array.ForEach(selected, expert => counts[expert]++);
        }

        return [.. counts.Select(count => (double)count / Tokens).OrderDescending()];
    }
}
