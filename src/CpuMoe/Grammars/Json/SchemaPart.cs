using System.Text.Json;

namespace CpuMoe.Grammars.Json;

/// <summary>What of a schema object counts.</summary>
internal enum SchemaFacet
{
    /// <summary>All of it.</summary>
    Whole,

    /// <summary>Its keywords but those that refer to other schemas for the same value.</summary>
    Keywords,

    /// <summary>Its <c>anyOf</c> alone.</summary>
    AnyOf,

    /// <summary>Its <c>oneOf</c> alone.</summary>
    OneOf,
}

/// <summary>A schema and where it is in the document.</summary>
internal readonly record struct SchemaPart(JsonElement Element, string Pointer, SchemaFacet Facet = SchemaFacet.Whole)
{
    /// <summary>A name for sets of parts.</summary>
    public string Key => $"{Pointer}:{(int)Facet}";

    /// <summary>Finds a member that is not null.</summary>
    public bool TryGet(string name, out JsonElement value)
    {
        value = default;
        return Element.ValueKind == JsonValueKind.Object && Element.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
    }

    /// <summary>A member as a part of its own.</summary>
    public SchemaPart At(string name, JsonElement value) => new(value, $"{Pointer}/{Escape(name)}");

    /// <summary>The elements of a member that must be an array of schemas.</summary>
    public SchemaPart[] Items(string name)
    {
        if (!TryGet(name, out JsonElement array))
        {
            return [];
        }

        SchemaPart self = this;
        return array.ValueKind == JsonValueKind.Array
            ? [.. array.EnumerateArray().Select((item, i) => new SchemaPart(item, $"{self.Pointer}/{name}/{i}"))]
            : throw Fault(name, "must be an array");
    }

    /// <summary>A member that must be an integer of 0 or more; larger ones than can be counted are taken for the largest.</summary>
    public int? Count(string name)
    {
        if (!TryGet(name, out JsonElement value))
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number >= 0 && number == Math.Floor(number)
            ? (int)Math.Min(number, RepeatExpression.Unlimited - 1)
            : throw Fault(name, "must be an integer of 0 or more");
    }

    /// <summary>A member that must be a text.</summary>
    public string? Text(string name) => !TryGet(name, out JsonElement value) ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw Fault(name, "must be a string");

    /// <summary>A fault at a member of this schema, or at the schema itself.</summary>
    public GrammarException Fault(string? name, string problem)
    {
        string pointer = name is null ? Pointer : $"{Pointer}/{Escape(name)}";
        return new GrammarException($"{problem}", $"schema at {(pointer.Length == 0 ? "the root" : pointer)}");
    }

    private static string Escape(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
}
