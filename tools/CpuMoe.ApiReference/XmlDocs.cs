using System.Globalization;
using System.Runtime.CompilerServices;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;

namespace CpuMoe.ApiReference;

/// <summary>The XML docs that lie beside an assembly.</summary>
internal sealed class XmlDocs(string path) : DocumentationProvider
{
    private readonly Dictionary<string, string> _members =
        XElement.Load(path).Descendants("member").ToDictionary(member => (string)member.Attribute("name")!, member => member.ToString(SaveOptions.DisableFormatting), StringComparer.Ordinal);

    /// <inheritdoc/>
    protected override string GetDocumentationForSymbol(string documentationMemberID, CultureInfo preferredCulture, CancellationToken cancellationToken = default) =>
        _members.GetValueOrDefault(documentationMemberID, "");

    /// <inheritdoc/>
    public override bool Equals(object? obj) => ReferenceEquals(this, obj);

    /// <inheritdoc/>
    public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);
}
