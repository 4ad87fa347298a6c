using System.Text.Json;

namespace CpuMoe.Grammars.Json;

/// <summary>A property that is declared or required.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Schemas">What its value must satisfy, all of it.</param>
/// <param name="IsRequired">Whether it must be there.</param>
internal sealed record PropertyShape(string Name, SchemaPart[] Schemas, bool IsRequired);

/// <summary>What some keywords that all count say about objects.</summary>
/// <param name="Properties">The properties by name, in the order of the schema.</param>
/// <param name="Additional">What the values of other properties must satisfy; null where there are none.</param>
/// <param name="Names">What the names of other properties must satisfy.</param>
/// <param name="Min">The fewest properties.</param>
/// <param name="Max">The most properties.</param>
internal sealed record ObjectShape(IReadOnlyList<PropertyShape> Properties, SchemaPart[]? Additional, SchemaPart[] Names, int Min, int Max)
{
    /// <summary>Reads the keywords about properties.</summary>
    public static ObjectShape Of(IReadOnlyList<SchemaPart> keywords)
    {
        HashSet<string> required = [.. keywords.SelectMany(RequiredOf)];
        string[] declared = [.. keywords.SelectMany(DeclaredBy).Distinct()];
        SchemaPart[] additional = [.. keywords.SelectMany(part => Member(part, "additionalProperties"))];
        bool isClosed = additional.Any(part => part.Element.ValueKind == JsonValueKind.False);

        // Schemas mostly leave additionalProperties out and mean none, so none are made up, unless nothing else is said.
        bool isOpen = !isClosed && (additional.Length > 0 || !keywords.Any(part => part.TryGet("properties", out _)));
        PropertyShape[] properties =
        [
            .. declared.Concat(required.Except(declared))
                .Select(name => new PropertyShape(name, [.. keywords.SelectMany(part => SchemasOf(part, name))], required.Contains(name))),
        ];
        return new ObjectShape(
            properties,
            isOpen ? additional : null,
            [.. keywords.SelectMany(part => Member(part, "propertyNames"))],
            keywords.Max(part => part.Count("minProperties")) ?? 0,
            keywords.Min(part => part.Count("maxProperties")) ?? RepeatExpression.Unlimited);
    }

    /// <summary>The names that a schema requires.</summary>
    public static IEnumerable<string> RequiredOf(SchemaPart part)
    {
        // In draft 3 and by mistake, "required": true stands at the property itself.
        if (!part.TryGet("required", out JsonElement names) || names.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return [];
        }

        return names.ValueKind == JsonValueKind.Array && names.EnumerateArray().All(name => name.ValueKind == JsonValueKind.String)
            ? names.EnumerateArray().Select(name => name.GetString()!)
            : throw part.Fault("required", "must be an array of names");
    }

    private static IEnumerable<string> DeclaredBy(SchemaPart part) => !part.TryGet("properties", out JsonElement properties) ? []
        : properties.ValueKind == JsonValueKind.Object ? properties.EnumerateObject().Select(property => property.Name)
        : throw part.Fault("properties", "must be an object");

    /// <summary>What one schema says about a property: its own schema, or the one for additional properties.</summary>
    private static IEnumerable<SchemaPart> SchemasOf(SchemaPart part, string name) =>
        part.TryGet("properties", out JsonElement properties) && properties.TryGetProperty(name, out JsonElement property)
            ? [part.At("properties", properties).At(name, property)]
            : Member(part, "additionalProperties");

    private static IEnumerable<SchemaPart> Member(SchemaPart part, string name) => part.TryGet(name, out JsonElement value) ? [part.At(name, value)] : [];
}
