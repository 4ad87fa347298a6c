using System.Text.Json;

namespace CpuMoe.Grammars.Json;

/// <summary>Turns a JSON schema (draft 2020-12 and what earlier drafts and OpenAPI wrote differently) into a grammar.</summary>
/// <remarks>
/// A value is described by a set of schemas that must all hold; so <c>allOf</c>, siblings of <c>$ref</c> and of
/// <c>anyOf</c> need no merging of schemas. Each set with a reference is one rule, so that recursion ends.
/// </remarks>
internal sealed class JsonSchemaCompiler
{
    private const int MaxSteps = 50_000;

    // Keywords that restrict values in ways that are not enforced.
    private static readonly string[] Unsupported =
    [
        "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "dependencies", "patternProperties", "contains",
        "unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef",
    ];

    private readonly GrammarRules _rules;
    private readonly SchemaDocument _document;
    private readonly StringSchemas _strings;
    private readonly ObjectSchemas _objects;
    private readonly Dictionary<string, RuleExpression> _known = new(StringComparer.Ordinal);
    private readonly Queue<(RuleExpression Rule, SchemaPart[] Parts, bool IsRaw)> _undefined = [];
    private int _steps;

    /// <summary>Prepares to add the rules of a schema to a grammar.</summary>
    public JsonSchemaCompiler(GrammarRules rules, JsonValues values, JsonElement schema, bool isStrict)
    {
        _rules = rules;
        Values = values;
        IsStrict = isStrict;
        _document = new SchemaDocument(schema);
        _strings = new StringSchemas(this, rules);
        _objects = new ObjectSchemas(this, rules);
    }

    private static SchemaPart ObjectsOnly { get; } = new(JsonDocument.Parse("""{"type":"object"}""").RootElement, "parameters");

    /// <summary>The rules of JSON.</summary>
    public JsonValues Values { get; }

    /// <summary>Whether what cannot be enforced is a fault; otherwise it is ignored.</summary>
    public bool IsStrict { get; }

    /// <summary>The grammar of a schema.</summary>
    public static Grammar Compile(JsonElement schema, bool isStrict)
    {
        GrammarRules rules = new();
        JsonSchemaCompiler compiler = new(rules, new JsonValues(rules, withoutTags: false), schema, isStrict);
        Expression root = compiler.CompileRoot();
        compiler.DefineRules();
        return new Grammar(rules, rules.Add("schema", root), JsonValues.MaxDepth);
    }

    /// <summary>The grammar of the whole schema; its rules are complete only after <see cref="DefineRules"/>.</summary>
    public Expression CompileRoot() => Compile([_document.Root]);

    /// <summary>The grammar of the objects among what the whole schema accepts; its rules are complete only after <see cref="DefineRules"/>.</summary>
    public Expression CompileRootObject() => Compile([_document.Root, ObjectsOnly]);

    /// <summary>What the root of the schema says about an object; its rules are complete only after <see cref="DefineRules"/>.</summary>
    public ObjectShape RootObject()
    {
        FlatSchema flat = _document.Flatten([_document.Root]);
        foreach (SchemaPart alternative in flat.Alternatives)
        {
            Refuse(alternative, alternative.Facet == SchemaFacet.AnyOf ? "anyOf" : "oneOf", "is not supported for the parameters of a tool");
        }

        RefuseUnsupported(flat.Keywords);
        return ObjectShape.Of(flat.Keywords);
    }

    /// <summary>The grammar of a value that must satisfy some schemas.</summary>
    /// <param name="parts">The schemas.</param>
    /// <param name="isRaw">Whether a string is written as it is, without quotation marks and escapes, between tags.</param>
    public Expression Compile(SchemaPart[] parts, bool isRaw = false)
    {
        if (!parts.Any(part => part.Facet == SchemaFacet.Whole && (part.TryGet("$ref", out _) || part.TryGet("allOf", out _))))
        {
            return CompileHere(parts, isRaw);
        }

        string key = string.Join('\n', parts.Select(part => part.Key).Append(isRaw ? "raw" : "").Order(StringComparer.Ordinal));
        if (!_known.TryGetValue(key, out RuleExpression? rule))
        {
            rule = _rules.Declare($"schema at {parts[0].Pointer}");
            _known.Add(key, rule);
            _undefined.Enqueue((rule, parts, isRaw));
        }

        return rule;
    }

    /// <summary>Defines the rules that were needed so far, and those that they need.</summary>
    public void DefineRules()
    {
        while (_undefined.TryDequeue(out (RuleExpression Rule, SchemaPart[] Parts, bool IsRaw) next))
        {
            _rules.Define(next.Rule, CompileHere(next.Parts, next.IsRaw));
        }
    }

    /// <summary>A fault, where strict; otherwise nothing.</summary>
    public void Refuse(SchemaPart part, string? name, string problem)
    {
        if (IsStrict)
        {
            throw part.Fault(name, problem);
        }
    }

    private Expression CompileHere(SchemaPart[] parts, bool isRaw)
    {
        if (++_steps > MaxSteps)
        {
            throw parts[0].Fault(null, $"the schema needs more than {MaxSteps} steps: its alternatives multiply; make it smaller");
        }

        FlatSchema flat = _document.Flatten(parts);
        if (flat.IsFalse)
        {
            return Expression.Never;
        }

        return flat.Alternatives is [SchemaPart first, ..]
            ? CompileAlternatives(first, [.. flat.Keywords, .. flat.Alternatives.Skip(1)], isRaw)
            : CompileKeywords(flat.Keywords, isRaw);
    }

    private Expression CompileAlternatives(SchemaPart part, SchemaPart[] common, bool isRaw)
    {
        bool isExclusive = part.Facet == SchemaFacet.OneOf;
        string keyword = isExclusive ? "oneOf" : "anyOf";
        SchemaPart[] items = part.Items(keyword);
        for (int i = 0; isExclusive && IsStrict && i < items.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (!SchemaExclusion.AreExclusive(_document, [.. common, items[j]], [.. common, items[i]]))
                {
                    throw part.Fault("oneOf", $"the alternatives {j} and {i} may accept the same value; use anyOf, or a required property with different constants");
                }
            }
        }

        return Expression.Choice([.. items.Select(item => Compile([.. common, item], isRaw))]);
    }

    private Expression CompileKeywords(List<SchemaPart> keywords, bool isRaw)
    {
        RefuseUnsupported(keywords);
        JsonTypes types = SchemaTypes.Of(keywords);
        if (SchemaValues.Find(this, keywords, types) is { } values)
        {
            return Expression.Choice([.. values.Select(value => isRaw && value.ValueKind == JsonValueKind.String ? StringSchemas.Raw(value.GetString()!) : Values.Literal(value))]);
        }

        JsonTypes meant = SchemaTypes.Meant(keywords);
        if (types == JsonTypes.All && meant == JsonTypes.All)
        {
            return Values.Value;
        }

        types = types == JsonTypes.All ? meant : types;
        List<Expression> choices = [];
        Add(JsonTypes.Null, () => Expression.Literal("null"));
        Add(JsonTypes.Boolean, () => Expression.Choice(Expression.Literal("true"), Expression.Literal("false")));
        Add(JsonTypes.Number, () => NumberSchemas.Compile(this, keywords, types, _rules));
        Add(JsonTypes.Object, () => _objects.Compile(keywords));
        Add(JsonTypes.Array, () => ArraySchemas.Compile(this, keywords, _rules));
        Add(JsonTypes.String, () => isRaw ? _strings.CompileRaw(keywords) : _strings.Compile(keywords));
        return Expression.Choice(choices);

        void Add(JsonTypes type, Func<Expression> compile)
        {
            if ((types & type) != JsonTypes.None)
            {
                choices.Add(compile());
            }
        }
    }

    private void RefuseUnsupported(List<SchemaPart> keywords)
    {
        foreach (SchemaPart part in keywords)
        {
            foreach (string name in Unsupported)
            {
                if (part.TryGet(name, out _))
                {
                    Refuse(part, name, $"the keyword '{name}' is not supported");
                }
            }

            if (part.TryGet("uniqueItems", out JsonElement unique) && unique.ValueKind == JsonValueKind.True)
            {
                Refuse(part, "uniqueItems", "the keyword 'uniqueItems' is not supported");
            }
        }
    }
}
