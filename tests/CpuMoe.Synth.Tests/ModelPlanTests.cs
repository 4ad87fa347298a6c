using CpuMoe.Gguf;
using CpuMoe.Quantization;

namespace CpuMoe.Synth.Tests;

/// <summary>Type histograms and sizes against those of llama-quantize for the whole models, NextN block included.</summary>
public class ModelPlanTests
{
    [Theory]
    [InlineData("f16", "F16 926, F32 835", 667.60)]
    [InlineData("q8_0", "Q8_0 926, F32 835", 354.79)]
    [InlineData("q6_k", "Q6_K 926, F32 835", 273.99)]
    [InlineData("q5_k_m", "Q5_K 790, Q6_K 136, F32 835", 236.56)]
    [InlineData("q4_k_m", "Q4_K 790, Q6_K 136, F32 835", 201.33)]
    [InlineData("q3_k_m", "Q3_K 556, Q4_K 360, Q5_K 9, Q6_K 1, F32 835", 159.15)]
    [InlineData("q2_k", "Q2_K 556, Q3_K 276, Q4_K 93, Q6_K 1, F32 835", 121.58)]
    public void Glm45HasTheTypesOfRealFiles(string mix, string types, double gibibytes) => Check(ModelShape.Glm45, mix, types, gibibytes);

    [Theory]
    [InlineData("f16", "F16 472, F32 331", 205.81)]
    [InlineData("q8_0", "Q8_0 472, F32 331", 109.38)]
    [InlineData("q6_k", "Q6_K 379, Q8_0 93, F32 331", 92.20)]
    [InlineData("q5_k_m", "Q5_K 355, Q6_K 24, Q5_1 48, Q8_0 45, F32 331", 77.67)]
    [InlineData("q4_k_m", "Q4_K 355, Q6_K 24, Q5_0 48, Q8_0 45, F32 331", 67.85)]
    [InlineData("q3_k_m", "Q3_K 284, Q4_K 92, Q5_K 2, Q6_K 1, Q5_0 90, Q5_1 3, F32 331", 53.11)]
    [InlineData("q2_k", "Q2_K 284, Q3_K 47, Q4_K 47, Q6_K 1, Q4_0 93, F32 331", 41.88)]
    public void AirHasTheTypesOfRealFiles(string mix, string types, double gibibytes) => Check(ModelShape.Glm45Air, mix, types, gibibytes);

    [Fact]
    public void WeightsAreAsManyAsPublished()
    {
        Assert.Equal(358_337_791_296, Weights(new ModelPlan(ModelShape.Glm45, Mix("f16"))));
        Assert.Equal(352_797_829_024, Weights(new ModelPlan(ModelShape.Glm45, Mix("f16"), withNextN: false)));
        Assert.Equal(110_468_824_832, Weights(new ModelPlan(ModelShape.Glm45Air, Mix("f16"))));

        // 30.5 billion by the model card.
        Assert.Equal(30_532_122_624, Weights(new ModelPlan(ModelShape.Qwen3, Mix("f16"))));
    }

    [Theory]
    [InlineData("glm-4.5", 1, 0)]
    [InlineData("glm-4.5", 2, 1)]
    [InlineData("glm-4.5", 4, 3)]
    [InlineData("glm-4.5", 92, 3)]
    [InlineData("glm-4.5-air", 1, 0)]
    [InlineData("glm-4.5-air", 4, 1)]
    public void CutModelsKeepABlockWithExperts(string shape, int blocks, int dense)
    {
        ModelPlan plan = new(ModelShape.All.Single(candidate => candidate.Name == shape), Mix("q4_k_m"), blocks);

        Assert.Equal(dense, plan.LeadingDense);
        Assert.Equal(dense, plan.Tensors.Count(tensor => tensor.Name.EndsWith("ffn_gate.weight", StringComparison.Ordinal)));
        Assert.Equal(blocks + plan.NextNBlocks - dense, plan.Tensors.Count(tensor => tensor.Name.EndsWith("ffn_gate_exps.weight", StringComparison.Ordinal)));
        Assert.Equal(blocks == 92 ? 1 : 0, plan.NextNBlocks);
    }

    [Fact]
    public void MoreBitsGoByTheBlocksInTheFile()
    {
        // 8 blocks: the first, the last, and every third between; with NextN there are 9.
        ModelPlan plan = new(ModelShape.Glm45, Mix("q4_k_m"), 8);
        ModelPlan withNextN = new(ModelShape.Glm45, Mix("q4_k_m"), 8, withNextN: true);

        Assert.Equal([0, 3, 6, 7], BlocksWithQ6KValues(plan));
        Assert.Equal([0, 3, 6, 7, 8], BlocksWithQ6KValues(withNextN));
    }

    [Fact]
    public void BlocksThatAShapeLacksAreRefused()
    {
        Assert.Throws<ArgumentException>(() => new ModelPlan(ModelShape.Glm45Air, Mix("q8_0"), 47));
        Assert.Throws<ArgumentException>(() => new ModelPlan(ModelShape.Glm45Air, Mix("q8_0"), 0));
        Assert.Throws<ArgumentException>(() => new ModelPlan(ModelShape.Qwen3, Mix("q8_0"), withNextN: true));
    }

    internal static QuantMix Mix(string name) => QuantMix.TryFind(name, out QuantMix? mix) ? mix : throw new ArgumentException($"There is no mix {name}.", nameof(name));

    private static void Check(ModelShape shape, string mix, string types, double gibibytes)
    {
        ModelPlan plan = new(shape, Mix(mix));

        Assert.Equal(
            types.Split(", ").Order(),
            plan.Tensors.GroupBy(tensor => tensor.Type).Select(group => $"{group.Key} {group.Count()}").Order());
        Assert.Equal(gibibytes, Math.Round(plan.ByteCount / (double)(1 << 30), 2));
    }

    private static long Weights(ModelPlan plan) => plan.Tensors.Sum(tensor => tensor.ElementCount);

    private static int[] BlocksWithQ6KValues(ModelPlan plan) =>
        [.. Enumerable.Range(0, plan.BlockCount).Where(block => plan.Tensors.Single(tensor => tensor.Name == $"blk.{block}.attn_v.weight").Type == GgmlType.Q6_K)];
}
