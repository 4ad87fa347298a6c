using System.Text.Json;

namespace CpuMoe.Grammars.Json;

/// <summary>The types of JSON values; a number is an integer or not.</summary>
[Flags]
internal enum JsonTypes
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Integer = 4,
    Fraction = 8,
    String = 16,
    Object = 32,
    Array = 64,
    Number = Integer | Fraction,
    All = Null | Boolean | Number | String | Object | Array,
}

/// <summary>Which types a schema allows.</summary>
internal static class SchemaTypes
{
    // Keywords that say something about values of one type only.
    private static readonly (JsonTypes Type, string[] Keywords)[] Hints =
    [
        (JsonTypes.Object, ["properties", "required", "additionalProperties", "propertyNames", "minProperties", "maxProperties"]),
        (JsonTypes.Array, ["items", "prefixItems", "minItems", "maxItems"]),
        (JsonTypes.String, ["minLength", "maxLength", "pattern", "format"]),
        (JsonTypes.Number, ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
    ];

    /// <summary>The types that all of some keywords allow.</summary>
    public static JsonTypes Of(IEnumerable<SchemaPart> keywords) => keywords.Aggregate(JsonTypes.All, (types, part) => types & Of(part));

    /// <summary>The types that keywords without <c>type</c> speak of; all where they speak of none.</summary>
    public static JsonTypes Meant(IReadOnlyList<SchemaPart> keywords)
    {
        JsonTypes meant = Hints.Where(hint => hint.Keywords.Any(name => keywords.Any(part => part.TryGet(name, out _)))).Aggregate(JsonTypes.None, (types, hint) => types | hint.Type);
        return meant == JsonTypes.None ? JsonTypes.All : meant;
    }

    /// <summary>The type of a value.</summary>
    public static JsonTypes Of(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => JsonTypes.Null,
        JsonValueKind.True or JsonValueKind.False => JsonTypes.Boolean,
        JsonValueKind.Number => value.TryGetDecimal(out decimal number) && number == decimal.Truncate(number) ? JsonTypes.Integer : JsonTypes.Fraction,
        JsonValueKind.String => JsonTypes.String,
        JsonValueKind.Object => JsonTypes.Object,
        _ => JsonTypes.Array,
    };

    private static JsonTypes Of(SchemaPart part)
    {
        if (!part.TryGet("type", out JsonElement type))
        {
            return JsonTypes.All;
        }

        JsonTypes types = type.ValueKind switch
        {
            JsonValueKind.String => Named(part, type),
            JsonValueKind.Array => type.EnumerateArray().Aggregate(JsonTypes.None, (sum, name) => sum | Named(part, name)),
            _ => throw part.Fault("type", "must be the name of a type or an array of names"),
        };
        return part.TryGet("nullable", out JsonElement nullable) && nullable.ValueKind == JsonValueKind.True ? types | JsonTypes.Null : types;
    }

    private static JsonTypes Named(SchemaPart part, JsonElement name) => (name.ValueKind == JsonValueKind.String ? name.GetString() : null) switch
    {
        "null" => JsonTypes.Null,
        "boolean" => JsonTypes.Boolean,
        "integer" => JsonTypes.Integer,
        "number" => JsonTypes.Number,
        "string" => JsonTypes.String,
        "object" => JsonTypes.Object,
        "array" => JsonTypes.Array,
        _ => throw part.Fault("type", $"{name.GetRawText()} is not a type; the types are null, boolean, integer, number, string, object and array"),
    };
}
