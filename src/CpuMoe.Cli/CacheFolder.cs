namespace CpuMoe.Cli;

/// <summary>Where the command keeps what outlives a run: pulled models, and the experts to begin with.</summary>
internal static class CacheFolder
{
    /// <summary>The environment variable that names the folder itself, for example on a larger disk.</summary>
    public const string Variable = "CPUMOE_CACHE";

    /// <summary><see cref="Variable"/>, else <c>cpumoe</c> in the user's cache folder by the convention of the system; null where there is none.</summary>
    public static string? Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } chosen)
        {
            return Path.GetFullPath(chosen);
        }

        string root = OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
            : Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? cache
            : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) is { Length: > 0 } home
                ? Path.Combine(home, OperatingSystem.IsMacOS() ? "Library/Caches" : ".cache") : "";
        return root.Length > 0 ? Path.Combine(root, "cpumoe") : null;
    }
}
