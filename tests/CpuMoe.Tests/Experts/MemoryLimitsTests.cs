using CpuMoe.Experts;
using CpuMoe.Tests.Gguf;

namespace CpuMoe.Tests.Experts;

/// <summary>The limits of memory, read from the files of invented systems.</summary>
public sealed class MemoryLimitsTests : IDisposable
{
    private const long MiB = 1L << 20;
    private const string Cgroup2 = "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

    private readonly TempFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void WithoutAGroupWhatTheKernelOffersCounts()
    {
        MemInfo(availableMiB: 8000);
        MemoryLimits limits = Read();

        Assert.Equal(new MemoryLimit("/proc/meminfo", 16000 * MiB, 8000 * MiB), Assert.Single(limits.All));
        Assert.Equal(500 * MiB, limits.Reserve);
        Assert.Equal(7500 * MiB, limits.AutoBudget);
    }

    [Fact]
    public void AGroupOfVersion2AndThoseAboveItCount()
    {
        MemInfo(availableMiB: 8000);
        Write("proc/self/cgroup", "0::/user.slice/session.scope\n");
        Write("proc/self/mountinfo", "22 1 254:0 / / rw - ext4 /dev/vda rw\n" + Cgroup2);
        Group2("sys/fs/cgroup/user.slice/session.scope", max: "max", high: "max", currentMiB: 900, fileMiB: 0);
        Group2("sys/fs/cgroup/user.slice", max: $"{4000 * MiB}", high: $"{3000 * MiB}", currentMiB: 1500, fileMiB: 700);
        MemoryLimits limits = Read();

        // The file cache of 700 MiB, as 300 active and 400 inactive, can be dropped.
        Assert.Equal(
            [
                new("/proc/meminfo", 16000 * MiB, 8000 * MiB),
                new("/sys/fs/cgroup/user.slice/memory.max", 4000 * MiB, 3200 * MiB),
                new("/sys/fs/cgroup/user.slice/memory.high", 3000 * MiB, 2200 * MiB),
            ],
            limits.All);
        Assert.Equal("/sys/fs/cgroup/user.slice/memory.high", limits.Tightest.Source);
        Assert.Equal(2200 * MiB, limits.Available);
    }

    [Fact]
    public void AContainerSeesItsGroupAtTheMount()
    {
        // A namespace of its own, a mount of a part, or the path of the host without such a folder.
        foreach ((string group, string mountRoot) in ((string, string)[])[("/", "/"), ("/docker/abc", "/docker/abc"), ("/docker/abc", "/"), ("/../other", "/"), ("/docker/abcdef", "/docker/abc")])
        {
            MemInfo(availableMiB: 8000);
            Write("proc/self/cgroup", $"0::{group}\n");
            Write("proc/self/mountinfo", Cgroup2.Replace("0:28 /", $"0:28 {mountRoot}", StringComparison.Ordinal));
            Group2("sys/fs/cgroup", max: $"{1000 * MiB}", high: "max", currentMiB: 100, fileMiB: 50);

            Assert.Equal(new MemoryLimit("/sys/fs/cgroup/memory.max", 1000 * MiB, 950 * MiB), Read().Tightest);
        }
    }

    [Fact]
    public void AGroupOfVersion1AndThoseAboveItCount()
    {
        MemInfo(availableMiB: 8000);
        Write("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/jobs/one\n0::/\n");
        Write(
            "proc/self/mountinfo",
            "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
        Group1("sys/fs/cgroup/memory", limit: 9223372036854771712, usageMiB: 5000, fileMiB: 3000);
        Group1("sys/fs/cgroup/memory/jobs", limit: 6000 * MiB, usageMiB: 3000, fileMiB: 1000);
        Group1("sys/fs/cgroup/memory/jobs/one", limit: 3072 * MiB, usageMiB: 700, fileMiB: 600);
        MemoryLimits limits = Read();

        Assert.Equal(
            [
                new("/sys/fs/cgroup/memory/jobs/one/memory.limit_in_bytes", 3072 * MiB, 2972 * MiB),
                new("/sys/fs/cgroup/memory/jobs/memory.limit_in_bytes", 6000 * MiB, 4000 * MiB),
            ],
            limits.All.Skip(1));
        Assert.Equal(2972 * MiB, limits.Available);
    }

    [Fact]
    public void AnExhaustedGroupHasNothingLeft()
    {
        MemInfo(availableMiB: 8000);
        Write("proc/self/cgroup", "0::/\n");
        Write("proc/self/mountinfo", Cgroup2);
        Group2("sys/fs/cgroup", max: $"{1000 * MiB}", high: "max", currentMiB: 1010, fileMiB: 0);

        Assert.Equal(0, Read().Available);
        Assert.Equal(1, Read().AutoBudget);
    }

    [Theory]
    [InlineData(100, 50)]
    [InlineData(1000, 256)]
    [InlineData(16_000, 1000)]
    [InlineData(100_000, 2048)]
    public void TheReserveIsASixteenthWithinBounds(long availableMiB, long reserveMiB)
    {
        MemoryLimits limits = new([new MemoryLimit("test", long.MaxValue, availableMiB * MiB)]);

        Assert.Equal(reserveMiB * MiB, limits.Reserve);
        Assert.Equal((availableMiB - reserveMiB) * MiB, limits.AutoBudget);
    }

    [Theory]
    [InlineData("", "", "")]
    [InlineData("MemAvailable:\nMemAvailable: x kB\nMemAvailable: -5 kB\nMemAvailable: 99999999999999999999 kB\n", "a\n0:\n0::\n:::\n", "1 2 3 4\n- - - - - - - -\n")]
    [InlineData("\0\0", "0::/a/../../b\n", "31 23 0:28 / /nowhere rw - cgroup2 cgroup2 rw\n")]
    [InlineData("", "4:memory:/x\n", "31 23 0:28 / /sys rw -\n31 23 0:28 / /sys rw - cgroup cgroup\n")]
    public void WithoutAnyUsableFileTheCollectorIsAsked(string memInfo, string cgroup, string mountInfo)
    {
        Write("proc/meminfo", memInfo);
        Write("proc/self/cgroup", cgroup);
        Write("proc/self/mountinfo", mountInfo);
        MemoryLimit limit = Assert.Single(Read().All);

        Assert.Equal("garbage collector", limit.Source);
        Assert.InRange(limit.Available, 0, limit.Limit);
        Assert.True(limit.Limit > 0);
    }

    [Fact]
    public void ThisSystemHasLimits()
    {
        MemoryLimits limits = MemoryLimits.Read();

        Assert.NotEmpty(limits.All);
        Assert.InRange(limits.AutoBudget, 1, limits.Tightest.Limit);
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux tells what is available.");
        Assert.Equal("/proc/meminfo", limits.All[0].Source);
    }

    private MemoryLimits Read() => MemoryLimits.Read(_root.Path);

    private void MemInfo(long availableMiB) =>
        Write("proc/meminfo", $"MemTotal:       {16000 * 1024} kB\nMemFree:          123456 kB\nMemAvailable:   {availableMiB * 1024} kB\nHugePages_Total:       0\n");

    private void Group2(string folder, string max, string high, long currentMiB, long fileMiB)
    {
        Write($"{folder}/memory.max", max + "\n");
        Write($"{folder}/memory.high", high + "\n");
        Write($"{folder}/memory.current", $"{currentMiB * MiB}\n");
        Write($"{folder}/memory.stat", $"anon 1\nfile {fileMiB * 2 * MiB}\nshmem 77\ninactive_file {fileMiB * 4 / 7 * MiB}\nactive_file {(fileMiB - (fileMiB * 4 / 7)) * MiB}\n");
    }

    private void Group1(string folder, long limit, long usageMiB, long fileMiB)
    {
        Write($"{folder}/memory.limit_in_bytes", $"{limit}\n");
        Write($"{folder}/memory.usage_in_bytes", $"{usageMiB * MiB}\n");
        Write($"{folder}/memory.stat", $"cache 5\nactive_file 1\ninactive_file 1\ntotal_inactive_file {fileMiB / 2 * MiB}\ntotal_active_file {fileMiB / 2 * MiB}\n");
    }

    private void Write(string path, string text)
    {
        string file = _root.PathOf(path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }
}
