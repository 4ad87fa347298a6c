using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using CpuMoe.Testing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace CpuMoe.Packages.Tests;

/// <summary>The C# that the documentation shows compiles as it stands: in Markdown each block is a program, in XML docs each example.</summary>
public sealed partial class DocumentedCodeTests
{
    private static readonly string[] ConsoleUsings =
        ["System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http", "System.Threading", "System.Threading.Tasks"];

    // What the web SDK adds.
    private static readonly string[] WebUsings =
    [
        "System.Net.Http.Json", "Microsoft.AspNetCore.Builder", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Http", "Microsoft.AspNetCore.Routing",
        "Microsoft.Extensions.Configuration", "Microsoft.Extensions.DependencyInjection", "Microsoft.Extensions.Hosting", "Microsoft.Extensions.Logging",
    ];

    private static readonly MetadataReference[] References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path)),
    ];

    public static TheoryData<string, string> Snippets()
    {
        TheoryData<string, string> snippets = [];
        string root = TestData.RepositoryRoot;
        string[] pages = [Path.Combine(root, "README.md"), .. Directory.GetFiles(Path.Combine(root, "docs"), "*.md", SearchOption.AllDirectories), .. PackageFeed.Ids.Select(id => Path.Combine(root, "src", id, "README.md"))];
        foreach (string page in pages)
        {
            foreach (Match block in Fence().Matches(File.ReadAllText(page)))
            {
                snippets.Add($"{Path.GetRelativePath(root, page)}, block at character {block.Index}", block.Groups[1].Value);
            }
        }

        foreach (string id in PackageFeed.Ids)
        {
            foreach (XElement member in XElement.Load(Path.Combine(AppContext.BaseDirectory, $"{id}.xml")).Descendants("member"))
            {
                foreach (XElement code in member.Elements("example").Elements("code"))
                {
                    snippets.Add(member.Attribute("name")!.Value, code.Value);
                }
            }
        }

        return snippets;
    }

    [Theory]
    [MemberData(nameof(Snippets))]
    public void ItCompiles(string place, string code)
    {
        string[] errors = ErrorsIn(code);
        Assert.True(errors.Length == 0, $"{place}:\n{string.Join('\n', errors)}");
    }

    [Fact]
    public void ThereIsCodeInEveryKindOfPlace()
    {
        string[] places = [.. Snippets().Select(row => row.Data.Item1)];
        Assert.Contains(places, place => place.StartsWith("README.md", StringComparison.Ordinal));
        Assert.Contains(places, place => place.StartsWith("docs", StringComparison.Ordinal));
        Assert.Contains(places, place => place.StartsWith("T:", StringComparison.Ordinal));
    }

    [Fact]
    public void CodeThatDoesNotCompileIsFound() => Assert.NotEmpty(ErrorsIn("using CpuMoe.Generation;\nLanguageModel model = LanguageModel.Open(\"model.gguf\");"));

    private static string[] ErrorsIn(string code)
    {
        IEnumerable<string> usings = code.Contains("WebApplication", StringComparison.Ordinal) ? ConsoleUsings.Concat(WebUsings) : ConsoleUsings;
        StringBuilder global = usings.Aggregate(new StringBuilder(), (text, name) => text.Append("global using ").Append(name).AppendLine(";"));
        CSharpParseOptions parsing = new(LanguageVersion.CSharp14);
        CSharpCompilation program = CSharpCompilation.Create(
            "Snippet",
            [CSharpSyntaxTree.ParseText(global.ToString(), parsing), CSharpSyntaxTree.ParseText(code, parsing)],
            References,
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable));
        return [.. program.GetDiagnostics().Where(found => found.Severity >= DiagnosticSeverity.Warning).Select(found => found.ToString())];
    }

    [GeneratedRegex(@"^```csharp\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();
}
