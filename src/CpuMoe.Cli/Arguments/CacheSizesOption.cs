using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using CpuMoe.Experts;

namespace CpuMoe.Cli.Arguments;

/// <summary>The size of a cache of experts: a share of all experts, bytes, or a number of experts.</summary>
/// <param name="Share">0 to 1, or null.</param>
/// <param name="Bytes">Bytes, or null.</param>
/// <param name="Slots">Experts, or null.</param>
internal sealed record CacheSize(double? Share, long? Bytes, int? Slots)
{
    /// <summary>Experts that fit, at least those of one token in one layer: less cannot run.</summary>
    public int SlotsFor(ExpertTrace trace)
    {
        double slots = Share * trace.TotalExperts ?? Slots ?? Bytes!.Value / trace.Layers.Max(layer => layer.ExpertBytes);
        return (int)Math.Clamp(Math.Round(slots), trace.ExpertsUsed, trace.TotalExperts);
    }
}

/// <summary>An option that names sizes of caches.</summary>
internal static class CacheSizesOption
{
    /// <summary>The option; empty where it is not given.</summary>
    public static Option<CacheSize[]> Create() => new("--sizes")
    {
        HelpName = "SIZE",
        Description = "Caches to compare: a share of all experts (25%), memory (12GiB) or a number of experts (500) (repeatable) [5% to 100%]",
        AllowMultipleArgumentsPerToken = true,
        CustomParser = Parse,
    };

    private static CacheSize[]? Parse(ArgumentResult result)
    {
        List<CacheSize> sizes = [];
        foreach (Token token in result.Tokens)
        {
            if (!TryParse(token.Value, out CacheSize? size))
            {
                result.AddError($"--sizes must be shares up to 100%, memory such as 12GiB, or numbers of experts, not '{token.Value}'");
                return null;
            }

            sizes.Add(size!);
        }

        return [.. sizes];
    }

    private static bool TryParse(string text, out CacheSize? size)
    {
        size = null;
        if (text.EndsWith('%'))
        {
            size = double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double percent) && percent is > 0 and <= 100
                ? new CacheSize(percent / 100, null, null) : null;
        }
        else if (text.All(char.IsAsciiDigit))
        {
            size = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int slots) && slots > 0 ? new CacheSize(null, null, slots) : null;
        }
        else if (MemorySize.TryParse(text, out long bytes))
        {
            size = new CacheSize(null, bytes, null);
        }

        return size is not null;
    }
}
