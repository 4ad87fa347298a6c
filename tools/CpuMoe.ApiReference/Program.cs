using CpuMoe.ApiReference;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

string[] libraries = ["CpuMoe", "CpuMoe.Extensions.AI", "CpuMoe.Server"];
if (args is not [var target])
{
    Console.Error.WriteLine("usage: dotnet run -c Release --project tools/CpuMoe.ApiReference -- FOLDER");
    return 2;
}

MetadataReference[] own = [.. libraries.Select(library =>
{
    string path = Path.Combine(AppContext.BaseDirectory, library);
    return MetadataReference.CreateFromFile(path + ".dll", documentation: new XmlDocs(path + ".xml"));
})];
IEnumerable<string> others = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
    .Where(path => !libraries.Contains(Path.GetFileNameWithoutExtension(path), StringComparer.Ordinal));
CSharpCompilation compilation = CSharpCompilation.Create("Reference", references: [.. own, .. others.Select(path => MetadataReference.CreateFromFile(path))]);

Directory.CreateDirectory(target);
int pages = ReferencePages.Write([.. own.Select(reference => (IAssemblySymbol)compilation.GetAssemblyOrModuleSymbol(reference)!)], target);
Console.WriteLine($"{pages} pages in {Path.GetFullPath(target)}");
return 0;
