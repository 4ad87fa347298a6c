namespace CpuMoe.Experts;

/// <summary>The memory limits of the Linux control groups that this process belongs to.</summary>
internal static class ControlGroups
{
    private static readonly Files Version1 = new(["memory.limit_in_bytes"], "memory.usage_in_bytes", ["total_active_file", "total_inactive_file"]);
    private static readonly Files Version2 = new(["memory.max", "memory.high"], "memory.current", ["active_file", "inactive_file"]);

    /// <summary>The limits of the group of this process and of all above it.</summary>
    public static IEnumerable<MemoryLimit> MemoryLimits(SystemFiles files)
    {
        // Each line: number:controllers:path; version 2 has the number 0 and no controllers.
        foreach (string line in files.Lines("/proc/self/cgroup"))
        {
            string[] fields = line.Split(':', 3);
            if (fields.Length < 3)
            {
                continue;
            }

            Files? version = fields[1].Length == 0 ? Version2 : fields[1].Split(',').Contains("memory") ? Version1 : null;
            if (version is not null && FindMount(files, version == Version2) is { } mount)
            {
                foreach (string folder in Folders(files, mount, fields[2]))
                {
                    foreach (MemoryLimit limit in LimitsOf(files, version, folder))
                    {
                        yield return limit;
                    }
                }
            }
        }
    }

    /// <summary>Where a hierarchy is mounted, and which of its groups lies there.</summary>
    private static Mount? FindMount(SystemFiles files, bool version2)
    {
        // Each line: id parent device root point options [fields] - type source options (proc_pid_mountinfo(5)).
        foreach (string line in files.Lines("/proc/self/mountinfo"))
        {
            string[] words = line.Split(' ');
            int dash = Array.IndexOf(words, "-");
            if (dash < 6 || words.Length < dash + 4)
            {
                continue;
            }

            bool matches = version2 ? words[dash + 1] == "cgroup2" : words[dash + 1] == "cgroup" && words[dash + 3].Split(',').Contains("memory");
            if (matches)
            {
                return new Mount(words[3], words[4]);
            }
        }

        return null;
    }

    /// <summary>The folders of a group and of those above it, as far as they are mounted.</summary>
    private static IEnumerable<string> Folders(SystemFiles files, Mount mount, string group)
    {
        // In a container the mount may show a part of the hierarchy only, or the path may be that of the host.
        string prefix = mount.Root.TrimEnd('/');
        bool isBelow = group.StartsWith(prefix + '/', StringComparison.Ordinal) || group == prefix;
        List<string> names = isBelow ? [.. group[prefix.Length..].Split('/', StringSplitOptions.RemoveEmptyEntries)] : [];
        if (names.Contains(".."))
        {
            // Seen from a namespace further down: the group is not in the part that is mounted.
            names.Clear();
        }

        for (; names.Count > 0; names.RemoveAt(names.Count - 1))
        {
            string folder = $"{mount.Point}/{string.Join('/', names)}";
            if (files.HasFolder(folder))
            {
                yield return folder;
            }
        }

        yield return mount.Point;
    }

    private static IEnumerable<MemoryLimit> LimitsOf(SystemFiles files, Files names, string folder)
    {
        foreach (string name in names.Limits)
        {
            string path = $"{folder}/{name}";

            // Without a limit version 2 says "max", version 1 the largest number of whole pages.
            if (files.Number(path) is not (>= 0 and < long.MaxValue / 2 and long limit))
            {
                continue;
            }

            long used = files.Number($"{folder}/{names.Usage}") ?? 0;
            long fileCache = names.FileCache.Sum(word => files.Number($"{folder}/memory.stat", word) ?? 0);
            yield return new MemoryLimit(path, limit, Math.Max(0, limit - Math.Max(0, used - fileCache)));
        }
    }

    private sealed record Mount(string Root, string Point);

    /// <param name="Limits">The files with limits.</param>
    /// <param name="Usage">The file with what is charged: anonymous memory, file cache and memory of the kernel.</param>
    /// <param name="FileCache">The words in memory.stat for file cache that the kernel can drop, groups below included.</param>
    private sealed record Files(string[] Limits, string Usage, string[] FileCache);
}
