using System.Runtime.CompilerServices;

namespace CpuMoe.Cli.Tests;

/// <summary>A cache folder of this run, so that commands neither find nor leave anything in that of the user.</summary>
internal static class TestCache
{
    public static string Folder { get; } = Path.Combine(Path.GetTempPath(), $"cpumoe-cli-tests-{Guid.NewGuid():N}");

    /// <summary>The folder of models.</summary>
    public static string Models => Path.Combine(Folder, "models");

    [ModuleInitializer]
    public static void Use()
    {
        Environment.SetEnvironmentVariable(CacheFolder.Variable, Folder);
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            if (Directory.Exists(Folder))
            {
                Directory.Delete(Folder, recursive: true);
            }
        };
    }
}
