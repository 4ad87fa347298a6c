using CpuMoe.Compute;
using CpuMoe.Experts;
using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Tests.Models;

namespace CpuMoe.Tests.Experts;

public unsafe class ExpertLayerTests
{
    private static readonly TinyGlm Shape = new() { ExpertType = GgmlType.Q4_0, DownType = GgmlType.Q8_0 };

    [Fact]
    public void SeparateStacksHoldOneExpertAfterTheOther()
    {
        using var open = new OpenModel(Shape);
        ExpertLayer layer = LayerOf(open.File);
        Assert.Equal(Shape.Experts, layer.Count);
        for (int x = 0; x < layer.Count; x++)
        {
            AssertRows(open.File, "blk.1.ffn_gate_exps.weight", x * Shape.ExpertWidth, Shape.ExpertWidth, layer.Gate, x);
            AssertRows(open.File, "blk.1.ffn_up_exps.weight", x * Shape.ExpertWidth, Shape.ExpertWidth, layer.Up, x);
            AssertRows(open.File, "blk.1.ffn_down_exps.weight", x * Shape.Embedding, Shape.Embedding, layer.Down, x);
        }
    }

    [Fact]
    public void AFusedStackHoldsEachExpertsGateBeforeItsUp()
    {
        using var open = new OpenModel(Shape with { FusedGateUp = true });
        ExpertLayer layer = LayerOf(open.File);
        for (int x = 0; x < layer.Count; x++)
        {
            AssertRows(open.File, "blk.1.ffn_gate_up_exps.weight", 2 * x * Shape.ExpertWidth, Shape.ExpertWidth, layer.Gate, x);
            AssertRows(open.File, "blk.1.ffn_gate_up_exps.weight", ((2 * x) + 1) * Shape.ExpertWidth, Shape.ExpertWidth, layer.Up, x);
        }
    }

    private static ExpertLayer LayerOf(GgufFile file) =>
        new Glm4MoeWeights(file, Glm4MoeConfig.Read(file.Metadata), new TensorBinder(file, MatMulPath.Fast)).Layers[1].Experts!;

    private static void AssertRows(GgufFile file, string name, int first, int count, ExpertMatrix actual, int expert)
    {
        Assert.True(file.TryGetTensor(name, out GgufTensor? tensor));
        Assert.Equal(tensor.FileOffset + (first * tensor.RowBytes), actual.FileOffset(expert));
        Assert.Equal(count * tensor.RowBytes, actual.ByteCount);
        WeightMatrix mapped = actual.Mapped(expert);
        Assert.Equal((count, (int)tensor.Dimensions[0], tensor.RowBytes), (mapped.Rows, mapped.Columns, mapped.RowBytes));
        Assert.True(mapped.Row(0) == tensor.Data + (first * tensor.RowBytes));
    }
}
