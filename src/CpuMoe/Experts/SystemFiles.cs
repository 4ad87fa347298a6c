using System.Globalization;

namespace CpuMoe.Experts;

/// <summary>The small files in which a Linux kernel tells about itself; what cannot be read is as if it were not there.</summary>
/// <param name="root">The folder that stands for <c>/</c>.</param>
internal sealed class SystemFiles(string root)
{
    /// <summary>The lines of a file.</summary>
    /// <param name="path">The path from <c>/</c>.</param>
    public string[] Lines(string path)
    {
        try
        {
            string file = Place(path);
            return File.Exists(file) ? File.ReadAllLines(file) : [];
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>The number that is all of a file; null where there is none, as for the word <c>max</c>.</summary>
    public long? Number(string path) => Lines(path) is [string line] ? ToNumber(line) : null;

    /// <summary>The number behind a word at the start of a line; null where there is none.</summary>
    public long? Number(string path, string word) => Lines(path)
        .Where(line => line.StartsWith(word + ' ', StringComparison.Ordinal))
        .Select(line => ToNumber(line[(word.Length + 1)..])).FirstOrDefault();

    /// <summary>Whether there is a folder.</summary>
    public bool HasFolder(string path) => Directory.Exists(Place(path));

    private string Place(string path) => Path.Join(root, path);

    private static long? ToNumber(string text) => long.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;
}
