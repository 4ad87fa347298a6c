using System.Text;
using Microsoft.CodeAnalysis;

namespace CpuMoe.ApiReference;

/// <summary>Writes one page per namespace and an index of them.</summary>
internal static class ReferencePages
{
    /// <summary>Writes the pages and returns how many there are.</summary>
    public static int Write(IReadOnlyList<IAssemblySymbol> libraries, string folder)
    {
        StringBuilder index = new("# API reference\n");
        int pages = 0;
        foreach (IAssemblySymbol library in libraries)
        {
            index.Append($"\n## Package {library.Name}\n\n");
            foreach (IGrouping<string, INamedTypeSymbol> space in PublicTypes(library.GlobalNamespace).GroupBy(type => type.ContainingNamespace.ToDisplayString()).OrderBy(space => space.Key, StringComparer.Ordinal))
            {
                StringBuilder page = new($"# {space.Key}\n");
                foreach (INamedTypeSymbol type in space.OrderBy(type => type.Name, StringComparer.Ordinal))
                {
                    TypeSection.Write(page, type);
                }

                File.WriteAllText(Path.Combine(folder, $"{space.Key}.md"), page.ToString());
                index.Append($"- [{space.Key}]({space.Key}.md): {string.Join(", ", space.Select(type => $"`{type.Name}`").Order(StringComparer.Ordinal))}\n");
                pages++;
            }
        }

        File.WriteAllText(Path.Combine(folder, "README.md"), index.ToString());
        return pages + 1;
    }

    private static IEnumerable<INamedTypeSymbol> PublicTypes(INamespaceOrTypeSymbol place)
    {
        foreach (INamespaceOrTypeSymbol member in place.GetMembers().OfType<INamespaceOrTypeSymbol>())
        {
            // What extension blocks are compiled to is no type to its users.
            if (member is INamedTypeSymbol { DeclaredAccessibility: Accessibility.Public, CanBeReferencedByName: true } type)
            {
                yield return type;
            }
            else if (member is INamedTypeSymbol)
            {
                continue;
            }

            foreach (INamedTypeSymbol inner in PublicTypes(member))
            {
                yield return inner;
            }
        }
    }
}
