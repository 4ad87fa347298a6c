using System.Text.Json;

namespace CpuMoe.Grammars.Json;

/// <summary>Schemas of numbers.</summary>
internal static class NumberSchemas
{
    private const int LargestDivisor = 100;

    /// <summary>The grammar of numbers that satisfy some keywords.</summary>
    public static Expression Compile(JsonSchemaCompiler compiler, List<SchemaPart> keywords, JsonTypes types, GrammarRules rules)
    {
        SchemaBounds bounds = SchemaBounds.Of(keywords);
        if (bounds.IsEmpty)
        {
            return Expression.Never;
        }

        bool isInteger = (types & JsonTypes.Fraction) == JsonTypes.None;
        int? fraction = null;
        foreach (SchemaPart part in keywords)
        {
            if (!part.TryGet("multipleOf", out JsonElement value))
            {
                continue;
            }

            if (value.ValueKind != JsonValueKind.Number || !value.TryGetDecimal(out decimal divisor) || divisor <= 0)
            {
                throw part.Fault("multipleOf", "must be a number above 0");
            }

            if (divisor == 1)
            {
                isInteger = true;
            }
            else if (DecimalPlaces(divisor) is { } places)
            {
                fraction = Math.Min(fraction ?? places, places);
            }
            else if (divisor == decimal.Truncate(divisor) && divisor <= LargestDivisor && bounds is { Max: null, Min: null or { Value: 0, IsIncluded: true } }
                && keywords.Count(other => other.TryGet("multipleOf", out _)) == 1)
            {
                return NumberExpressions.Multiples((int)divisor, withNegative: bounds.Min is null, rules);
            }
            else
            {
                compiler.Refuse(part, "multipleOf", $"multiples of {value.GetRawText()} are not supported here; supported are 1, 0.1, 0.01, ..., and integers up to {LargestDivisor} without bounds other than a minimum of 0");
            }
        }

        bool isFree = bounds is { Min: null, Max: null };
        return isInteger ? (isFree ? compiler.Values.Integer : NumberExpressions.Integers(bounds.Min, bounds.Max))
            : isFree && fraction is null ? compiler.Values.Number
            : NumberExpressions.Numbers(bounds.Min, bounds.Max, fraction);
    }

    /// <summary>The n of 10^-n, from 1 on; null for other numbers.</summary>
    private static int? DecimalPlaces(decimal divisor)
    {
        int places = 0;
        for (; divisor < 1 && places < JsonValues.MaxDigits; places++)
        {
            divisor *= 10;
        }

        return divisor == 1 && places > 0 ? places : null;
    }
}
