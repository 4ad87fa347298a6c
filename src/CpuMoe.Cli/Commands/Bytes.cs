using System.Globalization;
using CpuMoe.Experts;

namespace CpuMoe.Cli.Commands;

/// <summary>Sizes and counts for people.</summary>
internal static class Bytes
{
    /// <summary>A size in the largest binary unit that it fills: <c>10.2 MiB</c>.</summary>
    public static string Display(long bytes) => MemorySize.Display(bytes);

    /// <summary>A count in the largest decimal unit that it fills: <c>16.9 M</c>.</summary>
    public static string DisplayCount(long count) => count < 1000
        ? count.ToString(CultureInfo.InvariantCulture)
        : Scale(count, [" k", " M", " G", " T"]);

    private static string Scale(double value, string[] units)
    {
        int unit = -1;
        do
        {
            value /= 1000;
            unit++;
        }
        while (value >= 1000 && unit < units.Length - 1);
        return value.ToString(value < 100 ? "F1" : "F0", CultureInfo.InvariantCulture) + units[unit];
    }
}
