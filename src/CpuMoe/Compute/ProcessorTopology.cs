namespace CpuMoe.Compute;

/// <summary>How many cores a computation should use.</summary>
internal static class ProcessorTopology
{
    /// <summary>
    /// The number of physical cores, at most the number of processors this process may use. Two hardware threads of a
    /// core share its load ports, so that the second adds contention rather than bandwidth.
    /// </summary>
    public static int PhysicalCores { get; } = Math.Clamp(CountCores(), 1, Environment.ProcessorCount);

    private static int CountCores()
    {
        // Other systems than Linux have no managed way to ask; there every logical processor counts.
        const string Root = "/sys/devices/system/cpu";
        try
        {
            var cores = new HashSet<string>();
            foreach (string folder in Directory.Exists(Root) ? Directory.GetDirectories(Root, "cpu*") : [])
            {
                string siblings = Path.Combine(folder, "topology", "thread_siblings_list");
                if (File.Exists(siblings))
                {
                    cores.Add(File.ReadAllText(siblings));
                }
            }

            return cores.Count > 0 ? cores.Count : Environment.ProcessorCount;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return Environment.ProcessorCount;
        }
    }
}
