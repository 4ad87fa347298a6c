using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using CpuMoe.Diagnostics;
using CpuMoe.Gguf;
using CpuMoe.Testing;

namespace CpuMoe.Tests.Diagnostics;

public class KernelProbeTests
{
    private static readonly TimeSpan Shortly = TimeSpan.FromMilliseconds(1);

    [Theory]
    [InlineData(GgmlType.Q4_K, 1, false)]
    [InlineData(GgmlType.Q4_K, 1, true)]
    [InlineData(GgmlType.Q8_0, 70, false)] // More columns than one call of a kernel takes, and not a multiple.
    [InlineData(GgmlType.F32, 3, true)]
    public void Bytes_and_operations_describe_the_same_work(GgmlType format, int columns, bool inCache)
    {
        using KernelProbe probe = new(threads: 2);
        KernelRate rate = probe.Measure(format, new KernelShape(columns, inCache), Shortly, TestContext.Current.CancellationToken);

        Assert.InRange(rate.BytesPerSecond, 1e6, 1e14);
        double valuesPerSecond = rate.BytesPerSecond / format.BytesPerBlock() * format.ValuesPerBlock();
        Assert.Equal(2 * columns * valuesPerSecond, rate.OperationsPerSecond, rate.OperationsPerSecond * 1e-9);
    }

    [Fact]
    public void Refuses_what_it_cannot_measure()
    {
        using KernelProbe probe = new(threads: 1);

        Assert.Contains("IQ2_XXS", Assert.Throws<ArgumentException>(() => probe.Measure(GgmlType.IQ2_XXS, new KernelShape(1), Shortly)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => probe.Measure(GgmlType.Q4_K, new KernelShape(0), Shortly));
        Assert.DoesNotContain(GgmlType.IQ2_XXS, KernelProbe.Formats);
        Assert.Contains(GgmlType.Q4_K, KernelProbe.Formats);
    }

    [Fact]
    public void The_path_is_the_best_that_the_process_has()
    {
        Assert.Equal(Avx512BW.IsSupported, KernelProbe.Path == VectorPath.Vector512);
        Assert.Equal(Avx2.IsSupported, KernelProbe.Path >= VectorPath.Vector256);
        Assert.Equal(!Vector128.IsHardwareAccelerated, KernelProbe.Path == VectorPath.Scalar);
    }

    [Fact]
    public void Memory_is_slower_than_arithmetic_and_both_are_of_this_world()
    {
        double bandwidth = MemoryBandwidth.Measure(threads: 2, TestContext.Current.CancellationToken);
        double peak = IntegerPeak.Measure(threads: 2, TestContext.Current.CancellationToken);

        Assert.InRange(bandwidth, 1e8, 1e13);
        Assert.InRange(peak, 1e8, 1e14);
        Assert.True(KernelProbe.Path == VectorPath.Scalar || peak > bandwidth, "A machine that multiplies fewer bytes than it reads.");
    }

    [Fact]
    public void Measurements_can_be_cancelled()
    {
        using KernelProbe probe = new(threads: 1);
        CancellationToken cancelled = new(canceled: true);

        Assert.Throws<OperationCanceledException>(() => probe.Measure(GgmlType.Q4_K, new KernelShape(1), Shortly, cancelled));
        Assert.Throws<OperationCanceledException>(() => MemoryBandwidth.Measure(1, cancelled));
        Assert.Throws<OperationCanceledException>(() => IntegerPeak.Measure(1, cancelled));
    }

    [Fact]
    public void Pages_of_an_open_file_can_be_touched()
    {
        GgufFile file = GgufFile.Open(TestData.DemoModel);
        MappedPages.Touch(file, TestContext.Current.CancellationToken);
        Assert.Throws<OperationCanceledException>(() => MappedPages.Touch(file, new CancellationToken(canceled: true)));
        file.Dispose();

        Assert.Throws<ObjectDisposedException>(() => MappedPages.Touch(file));
    }
}
