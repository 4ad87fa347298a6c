using CpuMoe.Compute;
using CpuMoe.Experts;
using CpuMoe.Gguf;
using CpuMoe.Tests.Compute;

namespace CpuMoe.Tests.Experts;

public unsafe class MappedExpertsTests
{
    private const int Count = 5;
    private const int Width = 24;
    private const int Embedding = 32;

    [Fact]
    public void SeparateStacksHoldOneExpertAfterTheOther()
    {
        var random = new Random(1);
        using var gate = new RandomMatrix(random, GgmlType.Q8_0, Count * Width, Embedding);
        using var up = new RandomMatrix(random, GgmlType.F16, Count * Width, Embedding);
        using var down = new RandomMatrix(random, GgmlType.F32, Count * Embedding, Width);
        var experts = MappedExperts.Separate(Count, gate.On(MatMulPath.Fast), up.On(MatMulPath.Fast), down.On(MatMulPath.Fast));
        Assert.Equal(Count, experts.Count);
        for (int x = 0; x < Count; x++)
        {
            AssertRows(gate, x * Width, Width, experts[x].Gate);
            AssertRows(up, x * Width, Width, experts[x].Up);
            AssertRows(down, x * Embedding, Embedding, experts[x].Down);
        }
    }

    [Fact]
    public void AFusedStackHoldsEachExpertsGateBeforeItsUp()
    {
        var random = new Random(2);
        using var gateUp = new RandomMatrix(random, GgmlType.Q4_0, Count * 2 * Width, Embedding);
        using var down = new RandomMatrix(random, GgmlType.F32, Count * Embedding, Width);
        var experts = MappedExperts.Fused(Count, gateUp.On(MatMulPath.Fast), down.On(MatMulPath.Fast));
        for (int x = 0; x < Count; x++)
        {
            AssertRows(gateUp, 2 * x * Width, Width, experts[x].Gate);
            AssertRows(gateUp, ((2 * x) + 1) * Width, Width, experts[x].Up);
            AssertRows(down, x * Embedding, Embedding, experts[x].Down);
        }
    }

    private static void AssertRows(RandomMatrix expected, int first, int count, WeightMatrix actual)
    {
        Assert.Equal((count, expected.Values[0].Length), (actual.Rows, actual.Columns));
        float[] row = new float[actual.Columns];
        for (int r = 0; r < count; r++)
        {
            fixed (float* values = row)
            {
                actual.Kernel.DequantizeRow(actual, r, values);
            }

            Assert.Equal(expected.Values[first + r], row);
        }
    }
}
