using CpuMoe.Fitting;
using CpuMoe.Models;
using FsCheck;
using FsCheck.Fluent;

namespace CpuMoe.Tests.Fitting;

/// <summary>Speed and memory: exact where they can be computed by hand, and how they change with what they depend on.</summary>
public class FitEstimatorTests
{
    private static readonly ModelOutline Air = ModelOutlineTests.Known("glm-4.5-air").Quantized(ModelOutlineTests.Mix("Q4_K_M"));

    [Fact]
    public void DecodeIsBoundByBandwidth()
    {
        FitEstimate estimate = Estimate(Machines.Of(bandwidth: 81.9e9, products: 1e18), new FitOptions { ContextLength = 1, MemoryBytes = long.MaxValue });

        // 8.19 GB of matrices per token.
        Assert.InRange(estimate.Resident.Decode, 9.95, 10.05);
        Assert.True(estimate.Fits);
        Assert.Null(estimate.Paged);
    }

    [Fact]
    public void PrefillIsBoundByArithmetic()
    {
        FitEstimate estimate = Estimate(Machines.Of(bandwidth: 1e15, products: 1e12), new FitOptions { MemoryBytes = long.MaxValue });

        // 12.18 G multiply-adds per token without the head, and attention over half of the prompt.
        double products = 12_803_372_672.0 - 620_756_992 + (256.5 * 46 * 96 * 256);
        Assert.InRange(estimate.Resident.Prefill * products / 1e12, 0.99, 1.01);
    }

    [Fact]
    public void AttentionAndStepsAddUp()
    {
        var options = new FitOptions { ContextLength = 131072, MemoryBytes = long.MaxValue };
        double Seconds(MachineProfile machine, int context) => 1 / Estimate(machine, options with { ContextLength = context }).Resident.Decode;
        MachineProfile fast = Machines.Of(products: 1e18), slow = fast with { RegionSeconds = 1e-4 };

        // An F16 cache of 188416 bytes per token is read once.
        Assert.Equal(131071.0 * 188416 / 50e9, Seconds(fast, 131072) - Seconds(fast, 1), 1e-6);
        Assert.Equal(1e-4 * ((46 * 6) + 1), Seconds(slow, 1) - Seconds(fast, 1), 1e-6);
    }

    [Fact]
    public void PagingReadsWhatIsMissing()
    {
        // Half a gigabyte per second is slower than all arithmetic.
        FitEstimate estimate = Estimate(Machines.Of(bandwidth: 1e12, products: 1e18, disk: 0.5e9), new FitOptions { MemoryBytes = 40L << 30 });

        Assert.False(estimate.Fits);
        Assert.InRange(estimate.HitRate!.Value, 0.5, 0.8);
        double bytes = (1 - estimate.HitRate.Value) * 66.02e9 * 8 / 128;
        Assert.InRange(estimate.Paged!.Decode * bytes / 0.5e9, 0.97, 1);
    }

    [Fact]
    public void WithoutMemoryOrDiskItDoesNotRun()
    {
        FitEstimate none = Estimate(Machines.Of(), new FitOptions { MemoryBytes = 1L << 30 });
        FitEstimate noDisk = Estimate(Machines.Of(disk: null), new FitOptions { MemoryBytes = 40L << 30 });

        Assert.Equal((null, null, FitGrade.F), (none.HitRate, none.Expected, none.Grade));
        Assert.Equal((null, FitGrade.F), (noDisk.Expected, noDisk.Grade));
        Assert.NotNull(noDisk.HitRate);
    }

    [Fact]
    public void SmallestMemoryIsWhereItBeginsToRun()
    {
        long smallest = Estimate(Machines.Of(), new FitOptions()).SmallestBytes;
        long resident = Estimate(Machines.Of(), new FitOptions()).ResidentBytes;

        Assert.Null(Estimate(Machines.Of(), new FitOptions { MemoryBytes = smallest - 1 }).HitRate);
        Assert.NotNull(Estimate(Machines.Of(), new FitOptions { MemoryBytes = smallest }).Paged);
        Assert.NotNull(Estimate(Machines.Of(), new FitOptions { MemoryBytes = resident - 1 }).Paged);
        Assert.True(Estimate(Machines.Of(), new FitOptions { MemoryBytes = resident }).Fits);
    }

    [Fact]
    public void MoreMemoryAndFasterPartsAreNeverSlower()
    {
        Gen<(int Gibibytes, int More, int Bandwidth, int Disk)> machines =
            from gibibytes in Gen.Choose(1, 90)
            from more in Gen.Choose(1, 200)
            from bandwidth in Gen.Choose(1, 500)
            from disk in Gen.Choose(1, 200)
            select (gibibytes, more, bandwidth, disk);
        Prop.ForAll(machines.ToArbitrary(), drawn =>
        {
            var options = new FitOptions { MemoryBytes = (long)drawn.Gibibytes << 30 };
            MachineProfile machine = Machines.Of(bandwidth: drawn.Bandwidth * 1e9, disk: drawn.Disk * 1e8);
            FitEstimate before = Estimate(machine, options);
            FitEstimate[] better =
            [
                Estimate(machine, options with { MemoryBytes = options.MemoryBytes + ((long)drawn.More << 28) }),
                Estimate(Machines.Of(bandwidth: (drawn.Bandwidth + drawn.More) * 1e9, disk: drawn.Disk * 1e8), options),
                Estimate(machine with { DiskBytesPerSecond = (drawn.Disk + drawn.More) * 1e8 }, options),
            ];
            return better.All(after => after.Grade >= before.Grade
                && (after.HitRate ?? 0) >= (before.HitRate ?? 0)
                && (after.Expected?.Decode ?? 0) >= (before.Expected?.Decode ?? 0)
                && (after.Expected?.Prefill ?? 0) >= (before.Expected?.Prefill ?? 0)).ToProperty();
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(60).WithReplay(42, 4711));
    }

    [Fact]
    public void LongerContextsNeedMoreAndAreSlower()
    {
        Gen<(int Shorter, int More)> contexts =
            from shorter in Gen.Choose(8192, 60000)
            from more in Gen.Choose(1, 60000)
            select (shorter, more);
        Prop.ForAll(contexts.ToArbitrary(), drawn =>
        {
            var options = new FitOptions { ContextLength = drawn.Shorter, MemoryBytes = long.MaxValue };
            FitOptions longer = options with { ContextLength = drawn.Shorter + drawn.More };
            FitEstimate before = Estimate(Machines.Of(), options), after = Estimate(Machines.Of(), longer);
            FitEstimate halved = Estimate(Machines.Of(), longer with { KvType = KvType.Q8_0 });
            return (after.ResidentBytes - before.ResidentBytes == 188416L * drawn.More
                && after.Resident.Decode < before.Resident.Decode
                && halved.SmallestBytes < after.SmallestBytes).ToProperty();
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(40).WithReplay(42, 4711));
    }

    [Theory]
    [InlineData("glm-4.5")]
    [InlineData("glm-4.5-air")]
    public void MoreBitsAreLargerAndSlower(string name)
    {
        string[] mixes = ["Q2_K", "Q3_K_M", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "F16"];
        FitEstimate[] estimates = [.. mixes.Select(mix => Estimate(
            Machines.Of(), new FitOptions { MemoryBytes = long.MaxValue }, ModelOutlineTests.Known(name).Quantized(ModelOutlineTests.Mix(mix))))];
        Assert.All(estimates.Zip(estimates.Skip(1)), pair =>
        {
            Assert.True(pair.First.FileBytes < pair.Second.FileBytes);
            Assert.True(pair.First.ResidentBytes < pair.Second.ResidentBytes);
            Assert.True(pair.First.SmallestBytes < pair.Second.SmallestBytes);
            Assert.True(pair.First.Resident.Decode > pair.Second.Resident.Decode);
        });
    }

    // Of perf/RESULTS.md, what the shipped policy finds with a quarter, a half and three quarters of the experts.
    [Theory]
    [InlineData(32.1, 63.4, 85.9)]
    [InlineData(37.6, 68.7, 88.6)]
    [InlineData(44.8, 68.9, 86.8)]
    [InlineData(25.0, 51.2, 76.6)]
    [InlineData(50.1, 69.0, 85.2)]
    public void TheHitRateIsNearMeasuredOnes(double quarter, double half, double threeQuarters)
    {
        foreach ((double share, double percent) in new[] { (0.25, quarter), (0.5, half), (0.75, threeQuarters) })
        {
            Assert.InRange((1 - FitEstimator.HitRate(share)) / (1 - (percent / 100)), 0.77, 1.61);
        }

        Assert.Equal((0.0, 1.0), (FitEstimator.HitRate(0), FitEstimator.HitRate(1)));
    }

    [Theory]
    [InlineData(20, 100, FitGrade.SS)]
    [InlineData(100, 99, FitGrade.S)]
    [InlineData(9.9, 1000, FitGrade.A)]
    [InlineData(4.99, 25, FitGrade.B)]
    [InlineData(1, 4, FitGrade.C)]
    [InlineData(0.99, 4, FitGrade.F)]
    [InlineData(50, 3.9, FitGrade.F)]
    [InlineData(0, 0, FitGrade.F)]
    public void TheWorseSpeedGrades(double decode, double prefill, FitGrade grade) => Assert.Equal(grade, GradeThreshold.Of(decode, prefill));

    [Fact]
    public void QualityFallsWithTheBits() =>
        Assert.Equal(
            ["poor", "fair", "good", "very good", "near lossless", "lossless", "original", "unknown"],
            new[] { "Q2_K", "Q3_K_M", "q4_k_m", "Q5_K_M", "Q6_K", "Q8_0", "F16", "file" }.Select(QuantQuality.Of));

    private static FitEstimate Estimate(MachineProfile machine, FitOptions options, ModelOutline? model = null) => new FitEstimator(machine, options).Estimate(model ?? Air);
}
