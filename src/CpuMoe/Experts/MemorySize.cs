using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace CpuMoe.Experts;

/// <summary>Sizes of memory as people write them: <c>12GiB</c>, <c>1.5 GB</c>, <c>512M</c>, <c>1000000</c>.</summary>
/// <remarks>
/// KiB, MiB, GiB, TiB and, as with systemd and Docker, K, M, G, T are powers of 1024; KB, MB, GB, TB are powers of 1000.
/// Letters may be of either case.
/// </remarks>
public static class MemorySize
{
    private static readonly (string Suffix, long Bytes)[] Units =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
        ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
        ("K", 1L << 10), ("M", 1L << 20), ("G", 1L << 30), ("T", 1L << 40),
        ("B", 1),
    ];

    /// <summary>What a size must look like, for faults.</summary>
    public static string Form => "a size such as 12GiB, 512MiB, 1.5GB or a number of bytes";

    /// <summary>Reads a size.</summary>
    /// <param name="text">The text.</param>
    /// <param name="bytes">The size, 1 or more; fractions of a byte are dropped.</param>
    /// <returns>Whether it is a size of at least 1 byte and less than 2^63.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out long bytes)
    {
        bytes = 0;
        if (text is null)
        {
            return false;
        }

        (string suffix, long unit) = Units.FirstOrDefault(unit => text.EndsWith(unit.Suffix, StringComparison.OrdinalIgnoreCase), ("", 1));
        ReadOnlySpan<char> number = text.AsSpan(0, text.Length - suffix.Length).TrimEnd(' ');
        if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value) || value > (decimal)long.MaxValue / unit)
        {
            return false;
        }

        bytes = (long)(value * unit);
        return bytes > 0;
    }

    /// <summary>Reads a size.</summary>
    /// <exception cref="FormatException">It is none; the message says what one looks like.</exception>
    public static long Parse(string text) => TryParse(text, out long bytes) ? bytes : throw new FormatException($"'{text}' is not {Form}.");

    /// <summary>A size for people, in the largest binary unit that it fills: <c>10.2 MiB</c>.</summary>
    public static string Display(long bytes)
    {
        (double value, string unit) = Scale(bytes);
        return unit == "B" ? $"{bytes} B" : string.Create(CultureInfo.InvariantCulture, $"{value.ToString(value < 100 ? "F1" : "F0", CultureInfo.InvariantCulture)} {unit}");
    }

    /// <summary>The smallest size with one decimal that is not less, to advise what to pass: <c>4.3GiB</c>.</summary>
    public static string RoundUp(long bytes)
    {
        (double value, string unit) = Scale(bytes);
        return unit == "B" ? $"{bytes}B" : string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling((decimal)value * 10) / 10}{unit}");
    }

    private static (double Value, string Unit) Scale(long bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        int unit = 0;
        double value = bytes;
        for (; value >= 1024 && unit < units.Length - 1; unit++)
        {
            value /= 1024;
        }

        return (value, units[unit]);
    }
}
