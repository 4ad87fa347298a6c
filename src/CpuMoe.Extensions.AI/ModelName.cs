using System.Text.RegularExpressions;

namespace CpuMoe.Extensions.AI;

/// <summary>Names models by their files.</summary>
internal static partial class ModelName
{
    /// <summary>The name of a file without its folder, its ending and the number of the part.</summary>
    public static string Of(string path) => Part().Replace(Path.GetFileNameWithoutExtension(path), "");

    [GeneratedRegex(@"-\d{5}-of-\d{5}$")]
    private static partial Regex Part();
}
