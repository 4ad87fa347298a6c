using System.Globalization;

namespace CpuMoe.Cli.Commands;

/// <summary>What this process has made the system read from disks, faults on mapped pages included.</summary>
internal static class DiskReads
{
    private const string Counters = "/proc/self/io";
    private const string Name = "read_bytes: ";

    /// <summary>Bytes since the process started; null where the system does not count them.</summary>
    public static long? Bytes()
    {
        try
        {
            string? line = File.ReadLines(Counters).FirstOrDefault(line => line.StartsWith(Name, StringComparison.Ordinal));
            return line is null ? null : long.Parse(line.AsSpan(Name.Length), NumberStyles.None, CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
