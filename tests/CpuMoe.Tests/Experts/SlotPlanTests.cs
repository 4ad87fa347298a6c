using CpuMoe.Compute;
using CpuMoe.Experts;
using CpuMoe.Gguf;

namespace CpuMoe.Tests.Experts;

public class SlotPlanTests
{
    private const int Experts = 20;
    private const int Used = 4;

    /// <summary>Three layers with experts of one size, two of another.</summary>
    private static readonly ExpertLayer[] Layers = [Layer(0, 64), Layer(1, 256), Layer(2, 64), Layer(3, 64), Layer(4, 256)];

    [Fact]
    public void LayersOfOneSizeShareAPool()
    {
        var plan = new SlotPlan(Layers, Used);
        Assert.Equal([0, 1, 0, 0, 1], plan.PoolOfLayer);
        SlotPoolPlan[] pools = plan.Divide(plan.AllBytes);
        Assert.Equal([3, 2], pools.Select(pool => pool.Layers));
        Assert.Equal([60, 40], pools.Select(pool => pool.Slots));
        Assert.All(pools, pool => Assert.Equal(0, pool.SlotBytes % ReadJob.Alignment));
        Assert.All(Layers, layer => Assert.True(pools[plan.PoolOfLayer[layer.Block]].SlotBytes >= layer.BundleBytes));
    }

    [Fact]
    public void TheSmallestMemoryServesATokenInEveryPool()
    {
        var plan = new SlotPlan(Layers, Used);
        SlotPoolPlan[] pools = plan.Divide(plan.SmallestBytes);
        Assert.All(pools, pool => Assert.Equal(Used + 2, pool.Slots));
        Assert.Equal(plan.SmallestBytes, Bytes(pools));
    }

    [Fact]
    public void NoMoreMemoryIsUsedThanGivenAndHardlyLess()
    {
        var plan = new SlotPlan(Layers, Used);
        long largestSlot = plan.Divide(plan.AllBytes).Max(pool => pool.SlotBytes);
        for (long bytes = plan.SmallestBytes; bytes <= plan.AllBytes; bytes += 10_007)
        {
            long used = Bytes(plan.Divide(bytes));
            Assert.InRange(used, bytes - (2 * largestSlot), bytes);
        }

        Assert.Equal(plan.AllBytes, Bytes(plan.Divide(long.MaxValue)));
    }

    [Fact]
    public void FewExpertsNeedNoMoreSlotsThanThereAre()
    {
        var plan = new SlotPlan([Layer(0, 64)], Experts);
        Assert.Equal(Experts, Assert.Single(plan.Divide(plan.SmallestBytes)).Slots);
        Assert.Equal(plan.AllBytes, plan.SmallestBytes);
    }

    private static long Bytes(SlotPoolPlan[] pools) => pools.Sum(pool => pool.SlotBytes * pool.Slots);

    private static ExpertLayer Layer(int block, int width) =>
        new(block, Experts, Matrix("gate", 64, width), Matrix("up", 64, width), Matrix("down", width, 64));

    private static ExpertMatrix Matrix(string name, int columns, int rows)
    {
        GgufTensor tensor = new(name, GgmlType.F32, [columns, rows, Experts, 1], (long)columns * rows * Experts * sizeof(float), 0, 0, 4096);
        return new ExpertMatrix(tensor, MatMulKernel.For(GgmlType.F32, MatMulPath.Fast)!, rows, 0, rows);
    }
}
