using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace CpuMoe.Cli.Downloads;

/// <summary>Small JSON files that are whole or absent.</summary>
internal static class AtomicFile
{
    /// <summary>Replaces the file.</summary>
    public static void Write<T>(string path, T value, JsonTypeInfo<T> type)
    {
        string draft = DraftOf(path);
        using (FileStream stream = new(draft, FileMode.Create))
        {
            JsonSerializer.Serialize(stream, value, type);
            stream.Flush(flushToDisk: true);
        }

        File.Move(draft, path, overwrite: true);
    }

    /// <summary>Deletes the file, and what a crash left of the next one.</summary>
    public static void Delete(string path)
    {
        File.Delete(DraftOf(path));
        File.Delete(path);
    }

    /// <summary>Reads the file; null where it is absent or not what was written.</summary>
    public static T? Read<T>(string path, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), type);
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }

    private static string DraftOf(string path) => path + ".new";
}
