using System.Text.RegularExpressions;

namespace CpuMoe.Cli.Downloads;

/// <summary>The name of a model in a repository of Hugging Face.</summary>
/// <param name="Owner">The user or organisation.</param>
/// <param name="Repository">The name of the repository.</param>
/// <param name="Revision">A branch, tag or commit.</param>
/// <param name="Quant">What the file name must contain, such as <c>Q4_K_M</c>; null: the default.</param>
/// <param name="Path">The file, of a split model any part; null where it is not named.</param>
internal sealed partial record ModelReference(string Owner, string Repository, string Revision, string? Quant = null, string? Path = null)
{
    public const string Form = "hf:OWNER/REPO[@REVISION][:QUANT] or hf:OWNER/REPO[@REVISION]/PATH.gguf";

    private const string Scheme = "hf:";
    private const string DefaultRevision = "main";
    private const int LongestText = 1024;

    /// <summary>Whether a text means a model of a repository and not a file.</summary>
    public static bool IsReference(string text) => text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads a name.</summary>
    /// <exception cref="CliException">The text has not the form of a name.</exception>
    public static ModelReference Parse(string text)
    {
        Match match = text.Length <= LongestText ? Pattern().Match(text) : System.Text.RegularExpressions.Match.Empty;
        string revision = match.Groups["revision"] is { Success: true } named ? Uri.UnescapeDataString(named.Value) : DefaultRevision;
        string? path = Optional(match.Groups["path"]);
        if (!match.Success || !RevisionPattern().IsMatch(revision) || revision.Contains("..", StringComparison.Ordinal)
            || (path is not null && !RepositoryPath.IsSafe(path)))
        {
            throw new CliException($"a model to pull is named {Form}, not '{text}'", ExitCodes.Usage);
        }

        return new ModelReference(match.Groups["owner"].Value, match.Groups["repository"].Value, revision, Optional(match.Groups["quant"]), path);
    }

    /// <summary>The name without quantisation and file.</summary>
    public string Base => $"{Scheme}{Owner}/{Repository}{(Revision == DefaultRevision ? "" : "@" + EscapedRevision)}";

    /// <summary>The revision as one segment of a path or an address.</summary>
    public string EscapedRevision => Uri.EscapeDataString(Revision);

    /// <inheritdoc/>
    public override string ToString() => Path is not null ? $"{Base}/{Path}" : Quant is not null ? $"{Base}:{Quant}" : Base;

    private static string? Optional(Group group) => group.Success ? group.Value : null;

    [GeneratedRegex(
        """
        \A hf: (?<owner> [A-Za-z0-9_][A-Za-z0-9._-]{0,95} ) / (?<repository> [A-Za-z0-9_][A-Za-z0-9._-]{0,95} )
        ( @ (?<revision> refs/(pr|convert)/[^/:@]+ | [^/:@]+ ) )?
        ( : (?<quant> [A-Za-z0-9._-]+ ) | / (?<path> .+ \.gguf ) )? \z
        """, RegexOptions.IgnoreCase | RegexOptions.IgnorePatternWhitespace | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Pattern();

    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9._/+-]{0,199}\z", RegexOptions.CultureInvariant)]
    private static partial Regex RevisionPattern();
}
