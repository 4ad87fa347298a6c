using System.Text;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;

namespace CpuMoe.ApiReference;

/// <summary>The XML docs of a symbol as Markdown.</summary>
internal sealed class Documentation
{
    private readonly XElement _member;

    private Documentation(XElement member) => _member = member;

    /// <summary>Whether nothing is said.</summary>
    public bool IsEmpty => !_member.HasElements;

    /// <summary>The docs of a symbol; those of what it implements or overrides where it says that they hold.</summary>
    public static Documentation Of(ISymbol symbol)
    {
        XElement own = Read(symbol);
        return own.Element("inheritdoc") is not null && Origin(symbol) is { } origin ? Of(origin) : new Documentation(own);
    }

    /// <summary>What is said of a parameter, as docs of their own.</summary>
    public Documentation Parameter(string name)
    {
        XElement? text = _member.Elements("param").FirstOrDefault(parameter => (string?)parameter.Attribute("name") == name);
        return new Documentation(text is null ? new XElement("member") : new XElement("member", new XElement("summary", text.Nodes())));
    }

    /// <summary>Appends all that is said, each paragraph after <paramref name="before"/>.</summary>
    public void Write(StringBuilder page, string before)
    {
        foreach (XElement text in _member.Elements().Where(element => element.Name.LocalName is "summary" or "remarks"))
        {
            page.Append(before).Append(Text(text)).Append('\n');
        }

        XElement[] list = [.. _member.Elements().Where(element => element.Name.LocalName is "typeparam" or "param" or "returns" or "exception")];
        page.Append(list.Length > 0 ? before : "");
        foreach (XElement item in list)
        {
            string label = item.Name.LocalName switch
            {
                "returns" => "Returns",
                "exception" => $"Throws `{ShortName((string?)item.Attribute("cref") ?? "")}`",
                _ => $"`{(string?)item.Attribute("name")}`",
            };
            page.Append($"- {label}: {Text(item)}\n");
        }

        foreach (XElement code in _member.Elements("example").Elements("code"))
        {
            page.Append($"{before}```csharp\n{code.Value.Trim('\n')}\n```\n");
        }
    }

    private static XElement Read(ISymbol symbol) =>
        symbol.GetDocumentationCommentXml() is { Length: > 0 } xml ? XElement.Parse(xml.StartsWith("<member", StringComparison.Ordinal) ? xml : $"<member>{xml}</member>") : new XElement("member");

    private static ISymbol? Origin(ISymbol symbol) => symbol switch
    {
        IMethodSymbol { OverriddenMethod: { } overridden } => overridden,
        IPropertySymbol { OverriddenProperty: { } overridden } => overridden,
        INamedTypeSymbol { BaseType: { SpecialType: SpecialType.None } parent } => parent,
        _ => symbol.ContainingType?.AllInterfaces.SelectMany(one => one.GetMembers())
            .FirstOrDefault(member => SymbolEqualityComparer.Default.Equals(symbol.ContainingType.FindImplementationForInterfaceMember(member), symbol)),
    };

    private static string Text(XElement element)
    {
        StringBuilder text = new();
        foreach (XNode node in element.Nodes())
        {
            text.Append(node switch
            {
                XText plain => plain.Value,
                XElement { Name.LocalName: "see" or "seealso" } see => $"`{ShortName((string?)see.Attribute("cref") ?? (string?)see.Attribute("langword") ?? (string?)see.Attribute("href") ?? "")}`",
                XElement { Name.LocalName: "paramref" or "typeparamref" } name => $"`{(string?)name.Attribute("name")}`",
                XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
                XElement { Name.LocalName: "code" } code => $"\n\n```\n{code.Value.Trim('\n')}\n```\n\n",
                XElement { Name.LocalName: "para" } paragraph => $"\n\n{Text(paragraph)}\n\n",
                XElement other => Text(other),
                _ => "",
            });
        }

        return Unwrap(text.ToString());
    }

    /// <summary>Joins the lines of a paragraph; those of code stay.</summary>
    private static string Unwrap(string text)
    {
        IEnumerable<string> paragraphs = text.Split("\n\n").Select(paragraph => paragraph.StartsWith("```", StringComparison.Ordinal)
            ? paragraph : string.Join(' ', paragraph.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0)));
        return string.Join("\n\n", paragraphs.Where(paragraph => paragraph.Length > 0));
    }

    /// <summary>The name of a documentation id without its kind, namespace and parameters.</summary>
    private static string ShortName(string id)
    {
        if (id.Length < 2 || id[1] != ':')
        {
            return id; // A keyword or an address.
        }

        string[] parts = id[2..].Split('(')[0].Split('.');
        return string.Join('.', id[0] == 'T' ? parts[^1..] : parts[Math.Max(0, parts.Length - 2)..]);
    }
}
