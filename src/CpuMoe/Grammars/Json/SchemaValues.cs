using System.Text.Json;

namespace CpuMoe.Grammars.Json;

/// <summary>Schemas that list their values: <c>enum</c> and <c>const</c>.</summary>
internal static class SchemaValues
{
    private static readonly string[] NotChecked =
    [
        "properties", "required", "additionalProperties", "propertyNames", "minProperties", "maxProperties",
        "items", "prefixItems", "additionalItems", "minItems", "maxItems", "pattern", "multipleOf",
    ];

    /// <summary>The values that are listed and satisfy the other keywords; null where none are listed.</summary>
    public static List<JsonElement>? Find(JsonSchemaCompiler compiler, List<SchemaPart> keywords, JsonTypes types)
    {
        List<JsonElement>? values = null;
        foreach (List<JsonElement> listed in keywords.SelectMany(ListsOf))
        {
            values = values is null ? listed : [.. values.Where(value => listed.Any(other => JsonElement.DeepEquals(value, other)))];
        }

        if (values is null)
        {
            return null;
        }

        foreach (SchemaPart part in keywords)
        {
            string? beside = NotChecked.FirstOrDefault(name => part.TryGet(name, out _));
            if (beside is not null)
            {
                compiler.Refuse(part, beside, $"'{beside}' beside a list of values is not supported; leave it out");
            }
        }

        SchemaBounds bounds = SchemaBounds.Of(keywords);
        (int min, int max) = StringSchemas.Lengths(keywords);
        return [.. values.Where(IsValid)];

        bool IsValid(JsonElement value) => (types & SchemaTypes.Of(value)) != JsonTypes.None && value.ValueKind switch
        {
            JsonValueKind.Number => !value.TryGetDecimal(out decimal number) || bounds.Contain(number),
            JsonValueKind.String => value.GetString()!.EnumerateRunes().Count() is int length && length >= min && length <= max,
            _ => true,
        };
    }

    private static IEnumerable<List<JsonElement>> ListsOf(SchemaPart part)
    {
        // "const": null is a value.
        if (part.Element.TryGetProperty("const", out JsonElement value))
        {
            yield return [value];
        }

        if (part.TryGet("enum", out JsonElement list))
        {
            yield return list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray()] : throw part.Fault("enum", "must be an array");
        }
    }
}
