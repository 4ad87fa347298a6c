using System.IO.Compression;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;

namespace CpuMoe.Packages.Tests;

/// <summary>What is in the packages.</summary>
public sealed class PackageContentTests(PackageFeed feed)
{
    private const long MaxBytes = 20L << 20;

    public static TheoryData<string> Ids => [.. PackageFeed.Ids];

    public static TheoryData<string> Libraries => [.. PackageFeed.Ids.Where(id => id != "CpuMoe.Cli")];

    [Theory]
    [MemberData(nameof(Ids))]
    public void APackageSaysWhatItIs(string id)
    {
        using ZipArchive package = ZipFile.OpenRead(feed.PathOf(id));
        string[] files = [.. package.Entries.Select(entry => entry.FullName)];
        Assert.Contains("README.md", files);
        Assert.Contains("LICENSE", files);
        XElement metadata = MetadataOf(package, id);
        Assert.Equal("MIT", Value(metadata, "license"));
        Assert.Equal("README.md", Value(metadata, "readme"));
        Assert.Contains("gguf", Value(metadata, "tags"), StringComparison.Ordinal);
        Assert.True(Value(metadata, "description").Length > 60, "The description tells too little.");
        Assert.InRange(new FileInfo(feed.PathOf(id)).Length, 1, MaxBytes);
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void ALibraryIsDocumentedAndReproducible(string id)
    {
        using ZipArchive package = ZipFile.OpenRead(feed.PathOf(id));
        Assert.NotNull(package.GetEntry($"lib/net10.0/{id}.xml"));
        using MemoryStream assembly = new();
        using (Stream content = package.GetEntry($"lib/net10.0/{id}.dll")!.Open())
        {
            content.CopyTo(assembly);
        }

        assembly.Position = 0;
        using PEReader reader = new(assembly);
        Assert.Contains(reader.ReadDebugDirectory(), entry => entry.Type == DebugDirectoryEntryType.Reproducible);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void APackageHasItsSymbols(string id)
    {
        using ZipArchive symbols = ZipFile.OpenRead(feed.PathOf(id, "snupkg"));
        Assert.Contains(symbols.Entries, entry => entry.Name == $"{id}.pdb");
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void OwnPackagesAreNeededInTheSameVersion(string id)
    {
        using ZipArchive package = ZipFile.OpenRead(feed.PathOf(id));
        XElement[] own = [.. MetadataOf(package, id).Descendants().Where(element => element.Name.LocalName == "dependency" && element.Attribute("id")!.Value.StartsWith("CpuMoe", StringComparison.Ordinal))];
        Assert.Equal(id == "CpuMoe" ? 0 : 1, own.Length);
        Assert.All(own, dependency => Assert.Equal(feed.Version, dependency.Attribute("version")!.Value));
    }

    [Fact]
    public void TheToolBringsTheDemoModelOnce()
    {
        using ZipArchive package = ZipFile.OpenRead(feed.PathOf("CpuMoe.Cli"));
        Assert.Single(package.Entries, entry => entry.FullName.EndsWith("models/demo-Q4_K_M.gguf", StringComparison.Ordinal));
    }

    private static XElement MetadataOf(ZipArchive package, string id)
    {
        using Stream content = package.GetEntry($"{id}.nuspec")!.Open();
        return XElement.Load(content).Elements().Single(element => element.Name.LocalName == "metadata");
    }

    private static string Value(XElement metadata, string name) => metadata.Elements().Single(element => element.Name.LocalName == name).Value;
}
