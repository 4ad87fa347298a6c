using System.Text.Json;

namespace CpuMoe.Chat;

/// <summary>What kinds of values a schema allows.</summary>
[Flags]
internal enum ArgumentKinds
{
    None = 0,
    String = 1,
    Integer = 2,

    /// <summary>A number with a fraction or an exponent.</summary>
    Fraction = 4,
    Number = Integer | Fraction,
    Boolean = 8,
    Object = 16,
    Array = 32,
    Null = 64,
    Any = String | Number | Boolean | Object | Array | Null,
}

/// <summary>Finds the kinds of values.</summary>
internal static class ArgumentKindsOf
{
    // References may lead in circles.
    private const int MaxDepth = 16;

    /// <summary>The kind of a value.</summary>
    public static ArgumentKinds Value(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => ArgumentKinds.String,
        JsonValueKind.Number => value.GetRawText().AsSpan().IndexOfAny('.', 'e', 'E') < 0 ? ArgumentKinds.Integer : ArgumentKinds.Fraction,
        JsonValueKind.True or JsonValueKind.False => ArgumentKinds.Boolean,
        JsonValueKind.Object => ArgumentKinds.Object,
        JsonValueKind.Array => ArgumentKinds.Array,
        _ => ArgumentKinds.Null,
    };

    /// <summary>The kinds that a schema allows; all where it does not say or contradicts itself.</summary>
    /// <param name="schema">The schema.</param>
    /// <param name="root">The document in which its references point.</param>
    public static ArgumentKinds Schema(JsonElement schema, JsonElement root)
    {
        ArgumentKinds kinds = Allowed(schema, root, 0);
        return kinds == ArgumentKinds.None ? ArgumentKinds.Any : kinds;
    }

    private static ArgumentKinds Allowed(JsonElement schema, JsonElement root, int depth)
    {
        if (schema.ValueKind != JsonValueKind.Object || depth == MaxDepth)
        {
            return ArgumentKinds.Any;
        }

        ArgumentKinds kinds = ArgumentKinds.Any;
        foreach (JsonProperty keyword in schema.EnumerateObject())
        {
            kinds &= keyword.Name switch
            {
                "type" => Items(keyword.Value).Aggregate(ArgumentKinds.None, (all, type) => all | Type(type)),
                "enum" => Items(keyword.Value).Aggregate(ArgumentKinds.None, (all, value) => all | Value(value)),
                "const" => Value(keyword.Value),
                "anyOf" or "oneOf" => Items(keyword.Value).Aggregate(ArgumentKinds.None, (all, item) => all | Allowed(item, root, depth + 1)),
                "allOf" => Items(keyword.Value).Aggregate(ArgumentKinds.Any, (all, item) => all & Allowed(item, root, depth + 1)),
                "$ref" => Target(keyword.Value, root) is { } target ? Allowed(target, root, depth + 1) : ArgumentKinds.Any,
                _ => ArgumentKinds.Any,
            };
        }

        // OpenAPI's way to allow null beside the type.
        return schema.TryGetProperty("nullable", out JsonElement nullable) && nullable.ValueKind == JsonValueKind.True ? kinds | ArgumentKinds.Null : kinds;
    }

    private static JsonElement[] Items(JsonElement value) => value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];

    private static ArgumentKinds Type(JsonElement name) => name.ValueKind != JsonValueKind.String ? ArgumentKinds.Any : name.GetString() switch
    {
        "string" => ArgumentKinds.String,
        "integer" => ArgumentKinds.Integer,
        "number" => ArgumentKinds.Number,
        "boolean" => ArgumentKinds.Boolean,
        "object" => ArgumentKinds.Object,
        "array" => ArgumentKinds.Array,
        "null" => ArgumentKinds.Null,
        _ => ArgumentKinds.Any,
    };

    /// <summary>Follows a reference within the document.</summary>
    private static JsonElement? Target(JsonElement reference, JsonElement root)
    {
        if (reference.ValueKind != JsonValueKind.String || reference.GetString() is not ['#', .. string pointer])
        {
            return null;
        }

        JsonElement at = root;
        foreach (string step in pointer.Split('/').Skip(1))
        {
            string name = Uri.UnescapeDataString(step).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (at.ValueKind == JsonValueKind.Array && int.TryParse(name, out int index) && index >= 0 && index < at.GetArrayLength())
            {
                at = at[index];
            }
            else if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(name, out at))
            {
                return null;
            }
        }

        return at;
    }
}
