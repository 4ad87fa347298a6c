using System.Globalization;

namespace CpuMoe.Experts;

/// <summary>Something that bounds the memory of this process.</summary>
/// <param name="Source">What it is: the file that says so.</param>
/// <param name="Limit">The bound in bytes.</param>
/// <param name="Available">What is left of it now, bytes that can be taken from file cache included; 0 or more.</param>
public sealed record MemoryLimit(string Source, long Limit, long Available);

/// <summary>How much memory this process may use.</summary>
/// <remarks>
/// On Linux: what the kernel believes to be available without swapping (MemAvailable), and the limits of the control
/// group of the process and of all groups above it, versions 1 and 2 (Linux documentation, cgroup-v2.rst and
/// cgroup-v1/memory.rst). Above memory.high the kernel slows a process down, so that it counts as a limit. Elsewhere: what
/// the garbage collector found.
/// </remarks>
/// <param name="All">All that was found; at least one.</param>
public sealed record MemoryLimits(IReadOnlyList<MemoryLimit> All)
{
    private const long MinReserve = 256L << 20;
    private const long MaxReserve = 2L << 30;

    /// <summary>The limit that leaves least.</summary>
    public MemoryLimit Tightest => All.MinBy(limit => limit.Available)!;

    /// <summary>Bytes that this process may use in addition to what it uses now.</summary>
    public long Available => Tightest.Available;

    /// <summary>
    /// What is not offered to the model: a sixteenth of what is available, at least 256 MiB and at most 2 GiB, but never
    /// more than half. It is for the runtime (managed heap, compiled code, thread stacks), for page tables and the
    /// kernel's own memory, which count as well, and for what other programs begin to use afterwards.
    /// </summary>
    public long Reserve => Math.Min(Math.Clamp(Available / 16, MinReserve, MaxReserve), Available / 2);

    /// <summary>The budget of a model that is told to take what there is, in bytes.</summary>
    public long AutoBudget => Math.Max(1, Available - Reserve);

    /// <summary>Reads the limits of this process as they are now.</summary>
    public static MemoryLimits Read() => Read("/");

    /// <summary>Reads them from files below a folder.</summary>
    internal static MemoryLimits Read(string root)
    {
        var files = new SystemFiles(root);
        MemoryLimit[] found = [.. MemAvailable(files), .. ControlGroups.MemoryLimits(files)];
        return new MemoryLimits(found.Length > 0 ? found : [OfCollector()]);
    }

    private static IEnumerable<MemoryLimit> MemAvailable(SystemFiles files)
    {
        const string Source = "/proc/meminfo";
        const long Unit = 1024; // "kB" there is KiB.
        long? available = null, total = null;
        foreach (string line in files.Lines(Source))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length >= 2 && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out long size) && size <= long.MaxValue / Unit)
            {
                available = words[0] == "MemAvailable:" ? size * Unit : available;
                total = words[0] == "MemTotal:" ? size * Unit : total;
            }
        }

        return available is { } bytes ? [new MemoryLimit(Source, total ?? bytes, bytes)] : [];
    }

    private static MemoryLimit OfCollector()
    {
        GCMemoryInfo info = GC.GetGCMemoryInfo();
        return new MemoryLimit("garbage collector", info.TotalAvailableMemoryBytes, Math.Max(0, info.TotalAvailableMemoryBytes - info.MemoryLoadBytes));
    }
}
