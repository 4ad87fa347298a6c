using System.Text.Json;

namespace CpuMoe.Grammars.Json;

/// <summary>The numeric range of some keywords that all count.</summary>
/// <param name="Min">The lower end, if any.</param>
/// <param name="Max">The upper end, if any.</param>
/// <param name="IsEmpty">Whether a bound lies beyond all numbers that can be written.</param>
internal readonly record struct SchemaBounds(NumberBound? Min, NumberBound? Max, bool IsEmpty)
{
    // Beyond that no bound matters, and none can be met.
    private const double Largest = 1e27;

    /// <summary>Reads minimum, maximum, exclusiveMinimum and exclusiveMaximum, the latter also in the form of draft 4 (true).</summary>
    public static SchemaBounds Of(IEnumerable<SchemaPart> keywords)
    {
        SchemaBounds bounds = default;
        foreach (SchemaPart part in keywords)
        {
            foreach ((string name, string exclusive, int sign) in ((string, string, int)[])[("minimum", "exclusiveMinimum", 1), ("maximum", "exclusiveMaximum", -1)])
            {
                bool isOld = part.TryGet(exclusive, out JsonElement flag) && flag.ValueKind is JsonValueKind.True or JsonValueKind.False;
                bounds = bounds.With(part, name, sign, isIncluded: !(isOld && flag.ValueKind == JsonValueKind.True));
                bounds = isOld ? bounds : bounds.With(part, exclusive, sign, isIncluded: false);
            }
        }

        return bounds;
    }

    /// <summary>Whether a number lies in the range.</summary>
    public bool Contain(decimal value) => !IsEmpty && IsAbove(Min, value, 1) && IsAbove(Max, value, -1);

    private static bool IsAbove(NumberBound? bound, decimal value, int sign) =>
        bound is not { } end || sign * value.CompareTo(end.Value) > 0 || (end.IsIncluded && value == end.Value);

    private SchemaBounds With(SchemaPart part, string name, int sign, bool isIncluded)
    {
        if (!part.TryGet(name, out JsonElement value))
        {
            return this;
        }

        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out double number))
        {
            throw part.Fault(name, "must be a number");
        }

        if (Math.Abs(number) > Largest || !value.TryGetDecimal(out decimal exact))
        {
            return sign * number > 0 ? this with { IsEmpty = true } : this;
        }

        NumberBound bound = new(exact, isIncluded);
        NumberBound? old = sign > 0 ? Min : Max;
        bool isTighter = old is not { } end || sign * exact.CompareTo(end.Value) > 0 || (exact == end.Value && !isIncluded);
        return !isTighter ? this : sign > 0 ? this with { Min = bound } : this with { Max = bound };
    }
}
