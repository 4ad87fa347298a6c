using System.Text.Json;
using CpuMoe.Fitting;
using CpuMoe.Gguf;

namespace CpuMoe.Tests.Fitting;

/// <summary>Machines: given, derived, measured.</summary>
public class MachineTests
{
    private const string Profile =
        """
        {"name": "x", "threads": 2, "memory_bytes": 1000, "read_bytes_per_second": 5e10, "disk_bytes_per_second": 1e9, "region_seconds": 0,
         "attention": {"decode_per_second": 1e11, "prefill_per_second": 2e11},
         "kernels": {"Q4_K": {"decode_bytes_per_second": 3e10, "cache_bytes_per_second": 4e10, "prefill32_per_second": 2e11, "prefill512_per_second": 2.5e11}}}
        """;

    [Fact]
    public void AProfileIsRead()
    {
        MachineProfile machine = MachineProfile.Parse(Profile, "m.json");

        Assert.Equal((2, 1000, 5e10, 1e9), (machine.Threads, machine.MemoryBytes, machine.ReadBytesPerSecond, machine.DiskBytesPerSecond));
        Assert.Equal(new KernelProfile(3e10, 4e10, 2e11, 2.5e11), machine.Kernels[GgmlType.Q4_K]);
    }

    [Theory]
    [InlineData("[1]", "m.json")]
    [InlineData("null", "null")]
    [InlineData("{}", "name")]
    [InlineData("{", "m.json")]
    public void AProfileOfAnotherShapeIsRefused(string json, string expected) =>
        Assert.Contains(expected, Assert.Throws<FitException>(() => MachineProfile.Parse(json, "m.json")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("\"threads\": 2", "\"threads\": 0", "threads")]
    [InlineData("5e10", "-1", "read_bytes_per_second")]
    [InlineData("3e10", "0", "kernels.Q4_K")]
    [InlineData("2e11}", "0}", "attention")]
    [InlineData("\"name\": \"x\"", "\"nome\": \"x\"", "nome")]
    [InlineData("Q4_K", "Q4_Z", "m.json")]
    public void ImpossibleFiguresAreRefused(string figure, string other, string expected) => Assert.Contains(
        expected,
        Assert.Throws<FitException>(() => MachineProfile.Parse(Profile.Replace(figure, other, StringComparison.Ordinal), "m.json")).Message,
        StringComparison.Ordinal);

    [Fact]
    public void AFormatWithoutFiguresIsNamed()
    {
        MachineProfile machine = MachineProfile.Parse(Profile, "m.json");
        string message = Assert.Throws<FitException>(() => new FitEstimator(machine, new FitOptions()).Estimate(ModelOutlineTests.Known("glm-4.5"))).Message;

        Assert.Contains("F16", message, StringComparison.Ordinal);
    }

    [Fact]
    public void BuiltInDevicesHaveSources()
    {
        Assert.NotEmpty(Device.BuiltIn);
        Assert.Equal(Device.BuiltIn.Count, Device.BuiltIn.Select(device => device.Name).Distinct().Count());
        Assert.All(Device.BuiltIn, device => Assert.Equal(
            ["bandwidth_gb_s", "cores", "disk_gb_s", "memory"], device.Sources!.Keys.Order()));

        // As if they came from a file.
        string json = JsonSerializer.Serialize(new DeviceList([.. Device.BuiltIn]), FitJson.Default.DeviceList);
        Assert.Equal(Device.BuiltIn.Select(device => device.Name), Device.Parse(json, "x").Select(device => device.Name));
    }

    [Theory]
    [InlineData("""{"devices": [{"name": "a", "memory": "much", "bandwidth_gb_s": 1, "cores": 1}]}""", "device 'a': memory must be")]
    [InlineData("""{"devices": [{"name": "a", "memory": "1GiB", "bandwidth_gb_s": 0, "cores": 1}]}""", "device 'a': bandwidth_gb_s must be")]
    [InlineData("""{"devices": [{"name": "a", "memory": "1GiB", "bandwidth_gb_s": 1, "cores": 0}]}""", "device 'a': cores must be")]
    [InlineData("""{"devices": [{"name": "a", "memory": "1GiB", "bandwidth_gb_s": 1, "cores": 1, "disk_gb_s": -1}]}""", "device 'a': disk_gb_s must be")]
    [InlineData("""{"devices": [{"name": "a", "memory": "1GiB", "bandwidth_gb_s": 1}]}""", "cores")]
    [InlineData("""{"devices": [{"name": "a", "memory": "1GiB", "bandwith": 1, "cores": 1}]}""", "bandwith")]
    [InlineData("""{"devices": null}""", "d.json")]
    [InlineData("""{"devices": [null]}""", "d.json")]
    [InlineData("not json", "d.json")]
    public void FaultyDevicesAreRefused(string json, string expected) =>
        Assert.Contains(expected, Assert.Throws<FitException>(() => Device.Parse(json, "d.json")).Message, StringComparison.Ordinal);

    [Fact]
    public void ADeviceIsScaledFromHere()
    {
        MachineProfile here = MachineProfile.Parse(Profile, "m.json");
        var device = new Device("d", "64GiB", BandwidthGbS: 100, Cores: 4, DiskGbS: 7);
        MachineProfile machine = device.ToMachine(here);

        Assert.Equal((4, 80e9, 7e9), (machine.Threads, machine.ReadBytesPerSecond, machine.DiskBytesPerSecond!.Value));
        Assert.Equal(62L << 30, machine.MemoryBytes);

        // Here three quarters of what the arithmetic allows; there it allows 80 GB/s, as much as the memory.
        Assert.Equal(new KernelProfile(60e9, 80e9, 4e11, 5e11), machine.Kernels[GgmlType.Q4_K]);
        Assert.Equal(new AttentionProfile(2e11, 4e11), machine.Attention);
    }

    [Fact]
    [Trait("Category", "Machine")]
    public void ThisMachineIsMeasured()
    {
        MachineProfile machine = MachineProbe.Measure([GgmlType.Q4_K, GgmlType.F32], threads: 1, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(1, machine.Threads);
        Assert.Null(machine.DiskBytesPerSecond);
        Assert.InRange(machine.ReadBytesPerSecond, 1e8, 1e13);
        Assert.All(machine.Kernels.Values, kernel => Assert.True(kernel.DecodeBytesPerSecond > 1e6 && kernel.Prefill32PerSecond > 1e6));
        Assert.InRange(machine.RegionSeconds, 0, 0.01);

        // What it writes it reads.
        string json = JsonSerializer.Serialize(machine, FitJson.Default.MachineProfile);
        Assert.Equal(machine.Kernels[GgmlType.F32], MachineProfile.Parse(json, "x").Kernels[GgmlType.F32]);
        Assert.Throws<FitException>(() => MachineProbe.Measure([GgmlType.I32], cancellationToken: TestContext.Current.CancellationToken));
    }
}
