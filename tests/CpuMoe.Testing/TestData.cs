namespace CpuMoe.Testing;

/// <summary>Where tests find their files.</summary>
public static class TestData
{
    /// <summary>The root folder of the repository.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    /// <summary>Reference blocks, logits and perplexities from other engines.</summary>
    public static string DataFolder { get; } = Path.Combine(RepositoryRoot, "tests", "data");

    /// <summary>The bundled model.</summary>
    public static string DemoModel { get; } = DemoModelOf("Q4_K_M");

    /// <summary>The demo model in the given quantisation: Q2_K, Q4_K_M, Q5_K_M, Q6_K, Q8_0 or f16.</summary>
    public static string DemoModelOf(string mix) => mix == "Q4_K_M"
        ? Path.Combine(RepositoryRoot, "tools", "demo-model", "demo-Q4_K_M.gguf")
        : Path.Combine(DataFolder, "models", $"demo-{mix}.gguf");

    /// <summary>Files of other projects that are not part of the repository, or null where they are absent.</summary>
    public static string? SharedFolder(string name)
    {
        string folder = Path.Combine(RepositoryRoot, "..", "shared", name);
        return Directory.Exists(folder) ? folder : null;
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "CpuMoe.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No CpuMoe.sln above {AppContext.BaseDirectory}.");
    }
}
