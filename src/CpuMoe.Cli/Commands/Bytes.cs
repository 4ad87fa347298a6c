using System.Globalization;

namespace CpuMoe.Cli.Commands;

/// <summary>Sizes and counts for people.</summary>
internal static class Bytes
{
    /// <summary>A size in the largest binary unit that it fills: <c>10.2 MiB</c>.</summary>
    public static string Display(long bytes) => bytes < 1024
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes} B")
        : Scale(bytes, 1024, [" KiB", " MiB", " GiB", " TiB"]);

    /// <summary>A count in the largest decimal unit that it fills: <c>16.9 M</c>.</summary>
    public static string DisplayCount(long count) => count < 1000
        ? count.ToString(CultureInfo.InvariantCulture)
        : Scale(count, 1000, [" k", " M", " G", " T"]);

    private static string Scale(double value, double step, string[] units)
    {
        int unit = -1;
        do
        {
            value /= step;
            unit++;
        }
        while (value >= step && unit < units.Length - 1);
        return value.ToString(value < 100 ? "F1" : "F0", CultureInfo.InvariantCulture) + units[unit];
    }
}
