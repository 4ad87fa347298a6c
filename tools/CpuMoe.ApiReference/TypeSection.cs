using System.Text;
using Microsoft.CodeAnalysis;

namespace CpuMoe.ApiReference;

/// <summary>Writes a type: its declaration, what is said of it, its members.</summary>
internal static class TypeSection
{
    private static readonly SymbolDisplayFormat Declaration = new(
        typeQualificationStyle: SymbolDisplayTypeQualificationStyle.NameOnly,
        genericsOptions: SymbolDisplayGenericsOptions.IncludeTypeParameters | SymbolDisplayGenericsOptions.IncludeVariance,
        memberOptions: SymbolDisplayMemberOptions.IncludeParameters | SymbolDisplayMemberOptions.IncludeType | SymbolDisplayMemberOptions.IncludeModifiers
            | SymbolDisplayMemberOptions.IncludeRef | SymbolDisplayMemberOptions.IncludeConstantValue,
        parameterOptions: SymbolDisplayParameterOptions.IncludeExtensionThis | SymbolDisplayParameterOptions.IncludeType | SymbolDisplayParameterOptions.IncludeName
            | SymbolDisplayParameterOptions.IncludeParamsRefOut | SymbolDisplayParameterOptions.IncludeDefaultValue,
        propertyStyle: SymbolDisplayPropertyStyle.ShowReadWriteDescriptor,
        delegateStyle: SymbolDisplayDelegateStyle.NameAndSignature,
        miscellaneousOptions: SymbolDisplayMiscellaneousOptions.UseSpecialTypes | SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier);

    /// <summary>Appends the section.</summary>
    public static void Write(StringBuilder page, INamedTypeSymbol type)
    {
        Documentation documentation = Documentation.Of(type);
        page.Append($"\n## {type.ToDisplayString(Declaration)}\n\n`{Kind(type)} {type.ToDisplayString(Declaration)}{Bases(type)}`\n");
        documentation.Write(page, "\n");
        ISymbol[] members = [.. type.GetMembers().Where(member => IsShown(member, type)).OrderBy(Rank).ThenBy(member => member.Name, StringComparer.Ordinal)];
        foreach (ISymbol member in members)
        {
            page.Append($"\n### {Name(member)}\n\n`{member.ToDisplayString(Declaration)}`\n");
            Documentation text = Documentation.Of(member);

            // The property of a record's parameter is described where the parameter is.
            (text.IsEmpty ? documentation.Parameter(member.Name) : text).Write(page, "\n");
        }
    }

    private static bool IsShown(ISymbol member, INamedTypeSymbol type) =>
        member is { DeclaredAccessibility: Accessibility.Public or Accessibility.Protected, CanBeReferencedByName: true } or IMethodSymbol { MethodKind: MethodKind.Constructor, DeclaredAccessibility: Accessibility.Public }
        && member is not IMethodSymbol { MethodKind: MethodKind.PropertyGet or MethodKind.PropertySet or MethodKind.EventAdd or MethodKind.EventRemove }
        && member is not INamedTypeSymbol
        && (!Documentation.Of(member).IsEmpty || !Documentation.Of(type).Parameter(member.Name).IsEmpty);

    private static string Kind(INamedTypeSymbol type) => type switch
    {
        { TypeKind: TypeKind.Interface } => "interface",
        { TypeKind: TypeKind.Enum } => "enum",
        { TypeKind: TypeKind.Delegate } => "delegate",
        { TypeKind: TypeKind.Struct } => type.IsReadOnly ? "readonly struct" : "struct",
        { IsStatic: true } => "static class",
        { IsAbstract: true } => "abstract class",
        _ => "class",
    };

    private static string Bases(INamedTypeSymbol type)
    {
        if (type.TypeKind is TypeKind.Enum or TypeKind.Delegate)
        {
            return "";
        }

        IEnumerable<INamedTypeSymbol> bases = type is { TypeKind: TypeKind.Class, BaseType: { SpecialType: not SpecialType.System_Object } parent } ? [parent, .. type.Interfaces] : type.Interfaces;
        string[] names = [.. bases.Where(one => one.Name != "IEquatable").Select(one => one.ToDisplayString(Declaration))];
        return names.Length == 0 ? "" : $" : {string.Join(", ", names)}";
    }

    private static string Name(ISymbol member) => member is IMethodSymbol { MethodKind: MethodKind.Constructor } ? "Constructor" : member.Name;

    private static int Rank(ISymbol member) => member switch
    {
        IMethodSymbol { MethodKind: MethodKind.Constructor } => 0,
        IFieldSymbol => 1,
        IPropertySymbol => 2,
        _ => 3,
    };
}
