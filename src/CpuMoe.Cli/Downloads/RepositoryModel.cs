using System.Text.RegularExpressions;

namespace CpuMoe.Cli.Downloads;

/// <summary>A file of a repository.</summary>
/// <param name="Path">Relative to the repository, with '/'.</param>
/// <param name="Bytes">The size.</param>
/// <param name="Sha256">The hash of the content, 64 small hexadecimal digits.</param>
internal sealed record RepositoryFile(string Path, long Bytes, string Sha256);

/// <summary>A model of a repository: one GGUF file, or all parts of a split one in their order.</summary>
/// <param name="Files">At least one.</param>
internal sealed partial record RepositoryModel(IReadOnlyList<RepositoryFile> Files)
{
    /// <summary>The file that is opened, and by which the model is known.</summary>
    public string FirstPath => Files[0].Path;

    public long Bytes => Files.Sum(file => file.Bytes);

    /// <summary>The quantisation by the file name, in capitals, with the prefix of unsloth's dynamic ones; null where the name has none.</summary>
    public string? Quant => QuantPattern().Matches(FirstPath) is [.., Match last] ? last.Groups["quant"].Value.ToUpperInvariant() : null;

    /// <summary>Whether the file is no model by itself: a vision projector, a draft layer, an importance matrix.</summary>
    public bool IsAuxiliary => AuxiliaryPattern().IsMatch(FirstPath);

    /// <summary>Whether no part is missing.</summary>
    public bool IsWhole => PartPattern().Match(FirstPath) is not { Success: true } part
        || (Number(part, "count") == Files.Count && Files.Select((file, i) => Number(PartPattern().Match(file.Path), "index") == i + 1).All(right => right));

    /// <summary>Joins the GGUF files of a repository to models.</summary>
    public static IReadOnlyList<RepositoryModel> Group(IEnumerable<RepositoryFile> files) =>
    [
        .. files.Where(file => file.Path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
            .OrderBy(file => file.Path, StringComparer.Ordinal)
            .GroupBy(file => PartPattern().Match(file.Path) is { Success: true } part ? $"{part.Groups["stem"]}/{part.Groups["count"]}" : file.Path)
            .Select(group => new RepositoryModel([.. group])),
    ];

    /// <summary>The models that a name means: none, one, or several that it does not tell apart.</summary>
    public static IReadOnlyList<RepositoryModel> Matching(ModelReference reference, IReadOnlyList<RepositoryModel> models)
    {
        if (reference.Path is { } path)
        {
            return [.. models.Where(model => model.Files.Any(file => file.Path == path))];
        }

        RepositoryModel[] usual = [.. models.Where(model => !model.IsAuxiliary)];
        if (reference.Quant is null && usual.Length == 1)
        {
            return usual;
        }

        string quant = reference.Quant ?? "Q4_K_M";
        return usual.Where(model => Same(model.Quant, quant)).ToArray() is { Length: > 0 } same ? same
            : usual.Where(model => Same(model.Quant, $"UD-{quant}")).ToArray() is { Length: > 0 } dynamic ? dynamic
            : reference.Quant is null ? []
            : [.. usual.Where(model => ContainsWord(model.FirstPath, quant))];
    }

    private static bool Same(string? one, string other) => string.Equals(one, other, StringComparison.OrdinalIgnoreCase);

    private static bool ContainsWord(string path, string word) =>
        Regex.IsMatch(path, $"(?<![A-Za-z0-9_]){Regex.Escape(word)}(?![A-Za-z0-9_])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);

    private static int Number(Match part, string group) => int.Parse(part.Groups[group].ValueSpan, System.Globalization.CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\A(?<stem>.+)-(?<index>[0-9]{5})-of-(?<count>[0-9]{5})\.gguf\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex PartPattern();

    [GeneratedRegex(
        @"(?<=\A|[-._/])(?<quant>(UD-)?(I?Q[0-9]|TQ[0-9]|MXFP[0-9]|NVFP[0-9]|BF16|FP16|FP32|F16|F32)(_[A-Z0-9]+)*)(?=[-./])",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex QuantPattern();

    [GeneratedRegex(@"(\A|/)(mmproj|mtp-|imatrix)[^/]*\z|imatrix\.gguf\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex AuxiliaryPattern();
}
