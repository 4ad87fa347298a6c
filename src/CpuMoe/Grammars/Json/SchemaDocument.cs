using System.Text.Json;

namespace CpuMoe.Grammars.Json;

/// <summary>A conjunction of schemas taken apart: the keywords that all count, and the alternatives of which one must hold each.</summary>
internal sealed record FlatSchema(List<SchemaPart> Keywords, List<SchemaPart> Alternatives, bool IsFalse);

/// <summary>A JSON schema and the references within it.</summary>
internal sealed class SchemaDocument(JsonElement root)
{
    private const int MaxChain = 200;

    /// <summary>The whole schema.</summary>
    public SchemaPart Root { get; } = new(root, "");

    /// <summary>Follows the references and the <c>allOf</c> of some schemas that must all hold.</summary>
    /// <exception cref="GrammarException">A schema is malformed, or refers to itself.</exception>
    public FlatSchema Flatten(IEnumerable<SchemaPart> parts)
    {
        FlatSchema flat = new([], [], IsFalse: false);
        HashSet<string> seen = [];
        foreach (SchemaPart part in parts)
        {
            flat = Add(flat, part, [], seen);
        }

        return flat;
    }

    private FlatSchema Add(FlatSchema flat, SchemaPart part, List<string> path, HashSet<string> seen)
    {
        switch (part.Element.ValueKind)
        {
            case JsonValueKind.True:
                return flat;
            case JsonValueKind.False:
                return flat with { IsFalse = true };
            case not JsonValueKind.Object:
                throw part.Fault(null, "a schema must be an object, true or false");
        }

        if (path.Contains(part.Key) || path.Count > MaxChain)
        {
            throw part.Fault(null, path.Count > MaxChain ? $"more than {MaxChain} references in a row" : "the schema refers to itself without an end");
        }

        if (!seen.Add(part.Key))
        {
            return flat;
        }

        if (part.Facet != SchemaFacet.Whole)
        {
            (part.Facet == SchemaFacet.Keywords ? flat.Keywords : flat.Alternatives).Add(part);
            return flat;
        }

        path.Add(part.Key);
        flat.Keywords.Add(part with { Facet = SchemaFacet.Keywords });
        foreach ((string name, SchemaFacet facet) in ((string, SchemaFacet)[])[("anyOf", SchemaFacet.AnyOf), ("oneOf", SchemaFacet.OneOf)])
        {
            if (part.TryGet(name, out _))
            {
                flat.Alternatives.Add(part with { Facet = facet });
            }
        }

        foreach (SchemaPart item in part.Items("allOf"))
        {
            flat = Add(flat, item, path, seen);
        }

        if (part.Text("$ref") is { } reference)
        {
            flat = Add(flat, Resolve(part, reference), path, seen);
        }

        path.RemoveAt(path.Count - 1);
        return flat;
    }

    /// <summary>Finds what a reference names; its pointer is the shortest way to write it.</summary>
    private SchemaPart Resolve(SchemaPart from, string reference)
    {
        if (reference is not ("#" or ['#', '/', ..]))
        {
            throw from.Fault("$ref", $"'{reference}' is not within the schema; only references like #/$defs/name are supported");
        }

        SchemaPart at = Root;
        foreach (string step in reference[1..].Split('/').Skip(1))
        {
            string name = Uri.UnescapeDataString(step).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (at.TryGet(name, out JsonElement member))
            {
                at = at.At(name, member);
            }
            else if (at.Element.ValueKind == JsonValueKind.Array && int.TryParse(name, out int index) && index >= 0 && index < at.Element.GetArrayLength())
            {
                at = new SchemaPart(at.Element[index], $"{at.Pointer}/{index}");
            }
            else
            {
                throw from.Fault("$ref", $"'{reference}' does not exist");
            }
        }

        return at;
    }
}
