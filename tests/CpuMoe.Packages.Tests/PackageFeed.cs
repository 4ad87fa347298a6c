using System.Xml.Linq;
using CpuMoe.Packages.Tests;
using CpuMoe.Testing;

[assembly: AssemblyFixture(typeof(PackageFeed))]

namespace CpuMoe.Packages.Tests;

/// <summary>The packages, packed once from what was built, and a folder of applications that see nothing else of the repository.</summary>
public sealed class PackageFeed : IAsyncLifetime
{
    // Packages of other projects stay here from run to run; the compiler of NativeAOT is large.
    private static readonly string PackagesFolder = Path.Combine(TestData.RepositoryRoot, "tests", "CpuMoe.Packages.Tests", "obj", "consumers");

    private readonly string _root = Directory.CreateTempSubdirectory("cpumoe-packages-").FullName;

    /// <summary>What is packed.</summary>
    public static string[] Ids { get; } = ["CpuMoe", "CpuMoe.Extensions.AI", "CpuMoe.Server", "CpuMoe.Cli"];

    /// <summary>A version that no other feed or cache has.</summary>
    public string Version { get; } = $"0.0.0-test.{DateTime.UtcNow:yyyyMMddHHmmss}.{Environment.ProcessId}";

    /// <summary>Where the packages are.</summary>
    public string Folder => Path.Combine(_root, "feed");

    /// <summary>The file of a package.</summary>
    public string PathOf(string id, string extension = "nupkg") => Path.Combine(Folder, $"{id}.{Version}.{extension}");

    /// <summary>Copies the sources of an application to a folder.</summary>
    public string CreateConsumer(string name, string folder)
    {
        string target = CreateFolder(folder);
        foreach (string file in Directory.GetFiles(Path.Combine(TestData.RepositoryRoot, "tests", "CpuMoe.Packages.Tests", "Consumers", name)))
        {
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        }

        return target;
    }

    /// <summary>An empty folder.</summary>
    public string CreateFolder(string name) => Directory.CreateDirectory(Path.Combine(_root, name)).FullName;

    /// <summary>Runs a command of <c>dotnet</c> in a folder below the feed's configuration.</summary>
    public Task<string> RunAsync(string folder, params string[] arguments) => DotNet.RunAsync(folder, PackagesFolder, [.. arguments, $"-p:CpuMoeVersion={Version}"]);

    /// <summary>Installs the command and returns its path.</summary>
    public async Task<string> InstallToolAsync()
    {
        string folder = CreateFolder("tools");
        await DotNet.RunAsync(folder, PackagesFolder, "tool", "install", "CpuMoe.Cli", "--version", Version, "--tool-path", folder);
        return Path.Combine(folder, OperatingSystem.IsWindows() ? "cpumoe.exe" : "cpumoe");
    }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        string cache = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } chosen
            ? chosen : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        XElement configuration = new(
            "configuration",
            new XElement("packageSources", new XElement("add", new XAttribute("key", "cpumoe-test"), new XAttribute("value", Directory.CreateDirectory(Folder).FullName))),
            new XElement("fallbackPackageFolders", new XElement("add", new XAttribute("key", "cache"), new XAttribute("value", Directory.CreateDirectory(cache).FullName))));
        await File.WriteAllTextAsync(Path.Combine(_root, "nuget.config"), configuration.ToString());
        foreach (string id in Ids)
        {
            await DotNet.RunAsync(
                TestData.RepositoryRoot, cache, "pack", Path.Combine("src", id), "--no-build", "--no-restore", "-c", DotNet.Configuration, "-o", Folder, $"-p:Version={Version}");
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Directory.Delete(_root, recursive: true);
        foreach (string own in Directory.Exists(PackagesFolder) ? Directory.GetDirectories(PackagesFolder, "cpumoe*") : [])
        {
            Directory.Delete(own, recursive: true);
        }

        return ValueTask.CompletedTask;
    }
}
