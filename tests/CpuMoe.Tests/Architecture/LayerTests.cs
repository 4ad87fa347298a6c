using ArchUnitNET.Domain;
using ArchUnitNET.Loader;

namespace CpuMoe.Tests.Architecture;

/// <summary>The arrows between the folders of the engine run one way.</summary>
public class LayerTests
{
    private static readonly ArchUnitNET.Domain.Architecture Engine = new ArchLoader().LoadAssembly(typeof(CpuMoe.Models.Model).Assembly).Build();

    /// <summary>Which folders a folder may know, beside itself.</summary>
    private static readonly Dictionary<string, string[]> Arrows = new()
    {
        ["Gguf"] = [],
        ["Blocks"] = ["Gguf"],
        ["Compute"] = ["Gguf", "Blocks"],
        ["Experts"] = ["Gguf", "Blocks", "Compute"],
        ["Models"] = ["Gguf", "Blocks", "Compute", "Experts"],
        ["Text"] = ["Gguf"],
        ["Chat"] = ["Text"],
        ["Grammars"] = ["Text", "Chat"],
        ["Generation"] = ["Gguf", "Models", "Text", "Grammars"],
        ["Serving"] = ["Models", "Text", "Chat", "Grammars", "Generation"],
        ["Quantization"] = ["Gguf", "Blocks", "Compute"],
        ["Diagnostics"] = ["Gguf", "Blocks", "Compute"],
        ["Fitting"] = ["Gguf", "Blocks", "Compute", "Experts", "Models", "Quantization", "Diagnostics"],
    };

    public static TheoryData<string> Folders => [.. Arrows.Keys];

    [Theory]
    [MemberData(nameof(Folders))]
    public void AFolderKnowsOnlyThoseBelow(string folder)
    {
        IType[] types = [.. Engine.Types.Where(type => FolderOf(type) == folder)];
        Assert.NotEmpty(types);
        string[] violations =
        [
            .. types.SelectMany(type => type.Dependencies)
                .Where(d => FolderOf(d.Target) is { } target && target != folder && !Arrows[folder].Contains(target))
                .Select(d => $"{d.Origin.FullName} -> {d.Target.FullName}")
                .Distinct(),
        ];
        Assert.Empty(violations);
    }

    [Fact]
    public void EveryFolderHasItsArrows()
    {
        string[] unknown = [.. Engine.Types.Select(FolderOf).OfType<string>().Distinct().Where(folder => !Arrows.ContainsKey(folder))];
        Assert.Empty(unknown);
    }

    [Fact]
    public void DependenciesAreSeenAtAll()
    {
        // Were they not, the rules above would hold of anything.
        Assert.Contains(Engine.Types.Where(type => FolderOf(type) == "Models").SelectMany(type => type.Dependencies), d => FolderOf(d.Target) == "Compute");
        Assert.Contains(Engine.Types.Where(type => FolderOf(type) == "Compute").SelectMany(type => type.Dependencies), d => FolderOf(d.Target) == "Blocks");
    }

    [Fact]
    public void NoProductSeesInternals()
    {
        string[] friends = [.. typeof(CpuMoe.Models.Model).Assembly.GetCustomAttributes(typeof(System.Runtime.CompilerServices.InternalsVisibleToAttribute), false)
            .Cast<System.Runtime.CompilerServices.InternalsVisibleToAttribute>().Select(a => a.AssemblyName)];
        Assert.Equal(["CpuMoe.Benchmarks", "CpuMoe.QuantizeComparison", "CpuMoe.Synth", "CpuMoe.Synth.Tests", "CpuMoe.Testing", "CpuMoe.Tests"], friends.Order());
    }

    /// <summary>The folder of a type of the engine, or null for types of others.</summary>
    private static string? FolderOf(IType type)
    {
        string[] parts = type.FullName.Split('.');
        return parts.Length > 2 && parts[0] == "CpuMoe" ? parts[1] : null;
    }
}
