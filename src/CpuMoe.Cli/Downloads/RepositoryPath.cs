namespace CpuMoe.Cli.Downloads;

/// <summary>Paths of files as a server names them: relative, with '/', and not to be trusted.</summary>
internal static class RepositoryPath
{
    private const int LongestPath = 1024;
    private const int LongestSegment = 255; // bytes of a file name on common file systems, less what is appended below
    private const int LongestSuffix = 32;

    // On Windows they mean devices in any folder, whatever follows a dot.
    private static readonly HashSet<string> DeviceNames = new(
        ["CON", "PRN", "AUX", "NUL", .. Enumerable.Range(0, 10).SelectMany(i => (string[])[$"COM{i}", $"LPT{i}"])], StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a path stays within the folder it is put in, on every system, and can be shown on a terminal.</summary>
    public static bool IsSafe(string path) => path.Length <= LongestPath && path.Split('/').All(IsSafeSegment);

    /// <summary>The path on this system.</summary>
    public static string Under(string folder, string path) => Path.Combine([folder, .. path.Split('/')]);

    private static bool IsSafeSegment(string segment) =>
        segment.Length > 0
        && System.Text.Encoding.UTF8.GetByteCount(segment) <= LongestSegment - LongestSuffix
        && segment is not ("." or "..")
        && segment[^1] is not ('.' or ' ')
        && !DeviceNames.Contains(segment.Split('.')[0].TrimEnd(' '))
        && !segment.Any(c => char.IsControl(c) || char.IsSurrogate(c) || c is '\\' or ':' or '*' or '?' or '"' or '<' or '>' or '|'
            || char.GetUnicodeCategory(c) is System.Globalization.UnicodeCategory.Format);
}
