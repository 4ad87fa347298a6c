using System.Globalization;

namespace CpuMoe.Gguf;

/// <summary>How a model is split over files: <c>name-00001-of-00003.gguf</c> and the <c>split.*</c> keys.</summary>
/// <remarks>Source: llama.cpp <c>examples/gguf-split</c>; numbers are one-based in names and zero-based in keys.</remarks>
internal static class GgufSplit
{
    public const string IndexKey = "split.no";
    public const string CountKey = "split.count";
    public const string TensorCountKey = "split.tensors.count";

    /// <summary>The keys that belong to the files, not to the model.</summary>
    public static IReadOnlyList<string> Keys { get; } = [IndexKey, CountKey, TensorCountKey];

    /// <summary>The path of a part.</summary>
    public static string PathOf(string prefix, int index, int count) => prefix + Suffix(index, count);

    /// <summary>The number of parts; 1 for a file that is not split.</summary>
    public static int CountOf(GgufMetadata metadata)
    {
        int count = metadata.GetInt32(CountKey, fallback: 1);
        return count is >= 0 and <= GgufRules.MaxParts
            ? Math.Max(count, 1)
            : throw metadata.Fault(CountKey, $"{count} parts are outside 0 to {GgufRules.MaxParts}; the file is damaged");
    }

    /// <summary>The path without number and ending, given that of the first part.</summary>
    public static string PrefixOf(string path, GgufMetadata first, int count)
    {
        int index = first.GetInt32(IndexKey);
        if (index != 0)
        {
            throw first.Fault(IndexKey, $"this is part {index + 1L} of {count}; open the first part, the one whose name ends in {Suffix(0, count)}");
        }

        return path.EndsWith(Suffix(0, count), StringComparison.Ordinal)
            ? path[..^Suffix(0, count).Length]
            : throw first.Fault(CountKey, $"the model is split into {count} parts, so the name must end in {Suffix(0, count)}; give the parts their names back");
    }

    /// <summary>Checks that a later part belongs to the first one.</summary>
    public static void CheckPart(GgufHeader first, GgufHeader part, int index, int count)
    {
        GgufMetadata metadata = part.Metadata;
        if (metadata.GetInt32(IndexKey) != index)
        {
            throw metadata.Fault(IndexKey, $"the part says it has index {metadata.GetInt32(IndexKey)}, its name says {index}; the parts are mixed up, download them again");
        }

        if (metadata.GetInt32(CountKey) != count)
        {
            throw metadata.Fault(CountKey, $"the part belongs to a set of {metadata.GetInt32(CountKey)}, the first part to one of {count}; download the parts again");
        }

        if (part.Version != first.Version)
        {
            throw metadata.Fault("version", $"version {part.Version} differs from the first part's {first.Version}; download the parts again");
        }

        if (metadata.TryGetString(GgufRules.ArchitectureKey, out string? architecture)
            && !(first.Metadata.TryGetString(GgufRules.ArchitectureKey, out string? expected) && architecture == expected))
        {
            throw metadata.Fault(GgufRules.ArchitectureKey, $"architecture {GgufRules.Printable(architecture)} differs from the first part's; download the parts again");
        }
    }

    /// <summary>Checks the tensors of all parts against the number the first part promises.</summary>
    public static void CheckTensorCount(GgufMetadata first, int found)
    {
        int expected = first.GetInt32(TensorCountKey);
        if (expected != found)
        {
            throw first.Fault(TensorCountKey, $"{expected} tensors are promised, {found} were found in the parts; download the parts again");
        }
    }

    private static string Suffix(int index, int count) => string.Create(CultureInfo.InvariantCulture, $"-{index + 1:D5}-of-{count:D5}.gguf");
}
