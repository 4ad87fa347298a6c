using System.Text.Json;

namespace CpuMoe.Grammars.Json;

/// <summary>Tells whether two schemas can be seen to accept no value in common, as the alternatives of <c>oneOf</c> must.</summary>
internal static class SchemaExclusion
{
    private const int MaxDepth = 6;

    /// <summary>Whether no value satisfies both; false where that cannot be seen.</summary>
    public static bool AreExclusive(SchemaDocument document, SchemaPart[] a, SchemaPart[] b, int depth = 0)
    {
        if (depth > MaxDepth)
        {
            return false;
        }

        FlatSchema one = document.Flatten(a), other = document.Flatten(b);
        foreach ((FlatSchema split, SchemaPart[] rest) in ((FlatSchema, SchemaPart[])[])[(one, b), (other, a)])
        {
            if (split.Alternatives is [SchemaPart first, ..])
            {
                // Each alternative must be apart from the other schema; the rest of this one may only help.
                SchemaPart[] common = [.. split.Keywords, .. split.Alternatives.Skip(1)];
                return first.Items(first.Facet == SchemaFacet.AnyOf ? "anyOf" : "oneOf").All(item => AreExclusive(document, [.. common, item], rest, depth + 1));
            }
        }

        if (one.IsFalse || other.IsFalse || (TypesOf(one) & TypesOf(other)) == JsonTypes.None)
        {
            return true;
        }

        if (Values(one) is { } values && Values(other) is { } others)
        {
            return !values.Any(value => others.Any(candidate => JsonElement.DeepEquals(value, candidate)));
        }

        // Two kinds of objects that each require a property whose values tell them apart.
        return (TypesOf(one) & TypesOf(other)) == JsonTypes.Object
            && RequiredOf(one).Intersect(RequiredOf(other)).Any(name =>
                PropertyOf(one, name) is { Length: > 0 } mine && PropertyOf(other, name) is { Length: > 0 } theirs && AreExclusive(document, mine, theirs, depth + 1));
    }

    private static JsonTypes TypesOf(FlatSchema schema)
    {
        JsonTypes types = SchemaTypes.Of(schema.Keywords);
        return Values(schema) is { } values ? types & values.Aggregate(JsonTypes.None, (sum, value) => sum | SchemaTypes.Of(value)) : types;
    }

    private static List<JsonElement>? Values(FlatSchema schema)
    {
        foreach (SchemaPart part in schema.Keywords)
        {
            if (part.TryGet("const", out JsonElement value))
            {
                return [value];
            }

            if (part.TryGet("enum", out JsonElement list) && list.ValueKind == JsonValueKind.Array)
            {
                return [.. list.EnumerateArray()];
            }
        }

        return null;
    }

    private static IEnumerable<string> RequiredOf(FlatSchema schema) => schema.Keywords.SelectMany(ObjectShape.RequiredOf);

    private static SchemaPart[] PropertyOf(FlatSchema schema, string name) =>
    [
        .. schema.Keywords.SelectMany(part => part.TryGet("properties", out JsonElement properties)
            && properties.ValueKind == JsonValueKind.Object && properties.TryGetProperty(name, out JsonElement property)
                ? (SchemaPart[])[part.At("properties", properties).At(name, property)]
                : []),
    ];
}
