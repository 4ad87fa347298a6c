namespace CpuMoe.Grammars.Json;

/// <summary>What stands after the digits before the point: nothing, or a point and digits, at most a number of them, whose value lies in a range.</summary>
/// <remarks>Bounds are the digits after their point without zeros at the end, so that 0.5 is "5" and 0 is "".</remarks>
internal sealed class Fractions(int digits)
{
    private static readonly Expression Point = Expression.Literal(".");

    /// <summary>Any fraction.</summary>
    public Expression Any => Optional(Expression.Repeat(JsonValues.Digit(0), 1, digits));

    /// <summary>The fractions from a bound on.</summary>
    public Expression AtLeast(string low, bool isIncluded) => low.Length == 0 && isIncluded ? Any : Required(From(low, isIncluded, digits));

    /// <summary>The fractions up to a bound.</summary>
    public Expression AtMost(string high, bool isIncluded) =>
        high.Length > 0 ? Optional(To(high, isIncluded, digits))
        : isIncluded ? Optional(Expression.Repeat(JsonValues.Digit(0, 0), 1, digits))
        : Expression.Never;

    /// <summary>The fractions between two bounds.</summary>
    public Expression Between(string low, bool isLowIncluded, string high, bool isHighIncluded)
    {
        if (low == high)
        {
            return !isLowIncluded || !isHighIncluded ? Expression.Never
                : low.Length == 0 ? AtMost(high, isIncluded: true)
                : Required(Expression.Sequence(Expression.Literal(low), Zeros(digits - low.Length)));
        }

        int length = Math.Max(low.Length, high.Length);
        if (string.CompareOrdinal(low.PadRight(length, '0'), high.PadRight(length, '0')) > 0)
        {
            return Expression.Never;
        }

        Expression inner = Within(low.PadRight(length, '0'), isLowIncluded, high.PadRight(length, '0'), isHighIncluded, digits);
        return low.Length == 0 && isLowIncluded ? Optional(inner) : Required(inner);
    }

    private Expression Optional(Expression tail) => digits == 0 ? Expression.Empty : Expression.Optional(Expression.Sequence(Point, tail));

    private Expression Required(Expression tail) => digits == 0 ? Expression.Never : Expression.Sequence(Point, tail);

    /// <summary>Digits that differ first where the bounds do.</summary>
    private static Expression Within(string low, bool isLowIncluded, string high, bool isHighIncluded, int left)
    {
        int from = low[0] - '0', to = high[0] - '0';
        if (left == 0)
        {
            return Expression.Never;
        }

        if (from == to)
        {
            // Where only zeros are left of the lower bound, it is met already.
            Expression rest = Within(low[1..], isLowIncluded, high[1..], isHighIncluded, left - 1);
            bool isMet = isLowIncluded && low[1..].Trim('0').Length == 0;
            return Expression.Sequence(JsonValues.Digit(from, to), isMet ? Expression.Optional(rest) : rest);
        }

        List<Expression> choices =
        [
            Expression.Sequence(JsonValues.Digit(from, from), From(low[1..].TrimEnd('0'), isLowIncluded, left - 1)),
            Expression.Sequence(JsonValues.Digit(to, to), ToAfter(high[1..].TrimEnd('0'), isHighIncluded, left - 1)),
        ];
        if (from + 1 < to)
        {
            choices.Add(Expression.Sequence(JsonValues.Digit(from + 1, to - 1), AnyDigits(left - 1)));
        }

        return Expression.Choice(choices);
    }

    /// <summary>Digits whose value is at least that of the bound.</summary>
    private static Expression From(string low, bool isIncluded, int left)
    {
        if (low.Length == 0)
        {
            return isIncluded ? AnyDigits(left) : NotZero(left);
        }

        if (left == 0)
        {
            return Expression.Never;
        }

        int digit = low[0] - '0';
        Expression same = Expression.Sequence(JsonValues.Digit(digit, digit), From(low[1..], isIncluded, left - 1));
        return digit == 9 ? same : Expression.Choice(same, Expression.Sequence(JsonValues.Digit(digit + 1), AnyDigits(left - 1)));
    }

    /// <summary>Digits, at least one, whose value is at most that of the bound, which is not zero.</summary>
    private static Expression To(string high, bool isIncluded, int left)
    {
        if (left == 0)
        {
            return Expression.Never;
        }

        int digit = high[0] - '0';
        Expression same = Expression.Sequence(JsonValues.Digit(digit, digit), ToAfter(high[1..], isIncluded, left - 1));
        return digit == 0 ? same : Expression.Choice(same, Expression.Sequence(JsonValues.Digit(0, digit - 1), AnyDigits(left - 1)));
    }

    /// <summary>Digits after others that were those of the bound.</summary>
    private static Expression ToAfter(string high, bool isIncluded, int left) =>
        high.Length > 0 ? Expression.Choice(Expression.Empty, To(high, isIncluded, left))
        : isIncluded ? Zeros(left)
        : Expression.Never;

    private static Expression NotZero(int left) => left == 0 ? Expression.Never : Expression.Choice(
        Expression.Sequence(JsonValues.Digit(1), AnyDigits(left - 1)), Expression.Sequence(JsonValues.Digit(0, 0), NotZero(left - 1)));

    private static Expression AnyDigits(int most) => Expression.Repeat(JsonValues.Digit(0), 0, most);

    private static Expression Zeros(int most) => Expression.Repeat(JsonValues.Digit(0, 0), 0, Math.Max(most, 0));
}
