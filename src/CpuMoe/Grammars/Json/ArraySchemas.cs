using System.Text.Json;

namespace CpuMoe.Grammars.Json;

/// <summary>Schemas of arrays.</summary>
internal static class ArraySchemas
{
    /// <summary>The grammar of arrays that satisfy some keywords.</summary>
    public static Expression Compile(JsonSchemaCompiler compiler, List<SchemaPart> keywords, GrammarRules rules)
    {
        SchemaPart[][] prefixes = [.. keywords.Select(PrefixOf)];
        SchemaPart[][] rests = [.. keywords.Select(RestOf)];
        int fixedItems = prefixes.Max(prefix => prefix.Length);
        int min = keywords.Max(part => part.Count("minItems")) ?? 0, max = keywords.Min(part => part.Count("maxItems")) ?? RepeatExpression.Unlimited;
        if (min > max)
        {
            return Expression.Never;
        }

        JsonValues values = compiler.Values;
        Expression rest = ItemAt(fixedItems);
        if (fixedItems == 0)
        {
            // A list of no items is possible also where no item is.
            Expression more = Expression.Repeat(Expression.Sequence(values.Comma, rest), Math.Max(min - 1, 0), max == RepeatExpression.Unlimited ? max : Math.Max(max - 1, 0));
            Expression list = max == 0 ? Expression.Empty : Expression.Sequence(rest, more, values.Space);
            return InBrackets(min == 0 ? Expression.Optional(list) : list);
        }

        // From the last item to the first: a rule for what comes after i items.
        Expression after = max <= fixedItems ? Expression.Empty
            : Expression.Repeat(Expression.Sequence(values.Comma, rest), Math.Max(min - fixedItems, 0), max == RepeatExpression.Unlimited ? max : max - fixedItems);
        for (int i = Math.Min(fixedItems, max) - 1; i >= 0; i--)
        {
            Expression item = i == 0 ? Expression.Sequence(ItemAt(i), after, values.Space) : Expression.Sequence(values.Comma, ItemAt(i), after);
            after = rules.Add($"items-{i}", i >= min ? Expression.Optional(item) : item);
        }

        return InBrackets(after);

        Expression ItemAt(int index)
        {
            SchemaPart[] schemas = [.. prefixes.Zip(rests).SelectMany(part => index < part.First.Length ? [part.First[index]] : part.Second)];
            return schemas.Length == 0 ? values.Value : rules.Add("item", compiler.Compile(schemas));
        }

        Expression InBrackets(Expression items) => Expression.Sequence(Expression.Literal("["), values.Space, items, Expression.Literal("]"));
    }

    /// <summary>The schemas of the first items: <c>prefixItems</c>, formerly <c>items</c> with an array.</summary>
    private static SchemaPart[] PrefixOf(SchemaPart part) => HasOldPrefix(part) ? part.Items("items") : part.Items("prefixItems");

    /// <summary>The schema of all other items.</summary>
    private static SchemaPart[] RestOf(SchemaPart part)
    {
        string name = HasOldPrefix(part) ? "additionalItems" : "items";
        return part.TryGet(name, out JsonElement rest) ? [part.At(name, rest)] : [];
    }

    private static bool HasOldPrefix(SchemaPart part) => part.TryGet("items", out JsonElement items) && items.ValueKind == JsonValueKind.Array;
}
