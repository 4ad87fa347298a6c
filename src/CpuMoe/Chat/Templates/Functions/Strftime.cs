using System.Globalization;
using System.Text;

namespace CpuMoe.Chat.Templates;

/// <summary>Dates as C's <c>strftime</c> writes them, with English names.</summary>
internal static class Strftime
{
    /// <summary>The longest format.</summary>
    public const int MaxLength = 100;

    /// <summary>Writes a date; a directive that is not known stays as it is.</summary>
    public static string Format(DateTimeOffset time, string format)
    {
        StringBuilder text = new();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }

            // glibc's '-' leaves out leading zeros.
            bool unpadded = format[i + 1] == '-' && i + 2 < format.Length;
            i += unpadded ? 2 : 1;
            string? part = Part(time, format[i]);
            text.Append(part is null ? (unpadded ? "%-" : "%") + format[i] : unpadded && part.Length > 1 ? part.TrimStart('0', ' ') : part);
        }

        return text.ToString();
    }

    private static string? Part(DateTimeOffset time, char directive)
    {
        string? pattern = directive switch
        {
            'Y' => "yyyy",
            'y' => "yy",
            'm' => "MM",
            'B' => "MMMM",
            'b' or 'h' => "MMM",
            'd' => "dd",
            'A' => "dddd",
            'a' => "ddd",
            'H' => "HH",
            'I' => "hh",
            'M' => "mm",
            'S' => "ss",
            'p' => "tt",
            'f' => "ffffff",
            'F' => "yyyy-MM-dd",
            'T' => "HH:mm:ss",
            'D' => "MM/dd/yy",
            'R' => "HH:mm",
            _ => null,
        };
        return pattern is not null ? time.ToString(pattern, CultureInfo.InvariantCulture) : directive switch
        {
            'e' => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
            'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
            'w' => ((int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
            'u' => (((int)time.DayOfWeek + 6) % 7 + 1).ToString(CultureInfo.InvariantCulture),
            'z' => time.ToString("zzz", CultureInfo.InvariantCulture).Replace(":", "", StringComparison.Ordinal),
            '%' => "%",
            'n' => "\n",
            't' => "\t",
            _ => null,
        };
    }
}
