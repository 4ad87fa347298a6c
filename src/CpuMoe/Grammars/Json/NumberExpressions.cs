using System.Globalization;

namespace CpuMoe.Grammars.Json;

/// <summary>An end of a range of numbers.</summary>
/// <param name="Value">The bound.</param>
/// <param name="IsIncluded">Whether the bound itself is in the range.</param>
internal readonly record struct NumberBound(decimal Value, bool IsIncluded);

/// <summary>Numbers of a range, digit by digit; without exponent.</summary>
internal static class NumberExpressions
{
    private const int UsualFraction = 6;
    private const decimal LargestUsual = 999_999_999_999_999;

    /// <summary>The integers of a range.</summary>
    public static Expression Integers(NumberBound? min, NumberBound? max)
    {
        decimal? low = min is { } from ? (from.IsIncluded ? Math.Ceiling(from.Value) : Math.Floor(from.Value) + 1) : null;
        decimal? high = max is { } to ? (to.IsIncluded ? Math.Floor(to.Value) : Math.Ceiling(to.Value) - 1) : null;
        decimal bottom = low ?? Math.Min(-LargestUsual, (high ?? 0) - 1), top = high ?? Math.Max(LargestUsual, (low ?? 0) + 1);
        List<Expression> choices = [];
        if (bottom < 0 && bottom <= top)
        {
            choices.Add(Expression.Sequence(Expression.Literal("-"), Digits(Math.Max(-top, 1), -bottom)));
        }

        if (top >= 0 && bottom <= top)
        {
            choices.Add(Digits(Math.Max(bottom, 0), top));
        }

        return Expression.Choice(choices);
    }

    /// <summary>The numbers of a range.</summary>
    /// <param name="min">The lower end, if any.</param>
    /// <param name="max">The upper end, if any.</param>
    /// <param name="fraction">The most digits after the point, or null for the usual number.</param>
    public static Expression Numbers(NumberBound? min, NumberBound? max, int? fraction)
    {
        // A double keeps 15 digits apart; more could round to an excluded bound.
        int whole = Math.Max(Whole(min), Whole(max));
        int digits = fraction ?? Math.Max(Math.Max(Fraction(min?.Value).Length, Fraction(max?.Value).Length), Math.Min(UsualFraction, JsonValues.MaxDigits - whole));
        List<Expression> choices = [];
        if (min is not { Value: >= 0 })
        {
            NumberBound near = max is { Value: <= 0 } end ? new(-end.Value, end.IsIncluded && end.Value < 0) : new(0, IsIncluded: false);
            choices.Add(Expression.Sequence(Expression.Literal("-"), Positive(near, min is { } far ? new(-far.Value, far.IsIncluded) : null, digits)));
        }

        if (max is not { Value: < 0 })
        {
            choices.Add(Positive(min is { Value: >= 0 } start ? start : new(0, IsIncluded: true), max, digits));
        }

        return Expression.Choice(choices);

        static int Whole(NumberBound? bound) => bound is { } end ? Text(Math.Floor(Math.Abs(end.Value))).Length : 0;
    }

    /// <summary>The multiples of a small integer, of at most <see cref="JsonValues.MaxDigits"/> digits.</summary>
    public static Expression Multiples(int divisor, bool withNegative, GrammarRules rules)
    {
        // One rule for each number of digits left and each remainder so far.
        RuleExpression[] previous = [];
        for (int left = 0; left < JsonValues.MaxDigits; left++)
        {
            var states = new RuleExpression[divisor];
            for (int remainder = 0; remainder < divisor; remainder++)
            {
                List<Expression> ways = remainder == 0 ? [Expression.Empty] : [];
                if (left > 0)
                {
                    ways.AddRange(Enumerable.Range(0, 10).Select(d => Expression.Sequence(JsonValues.Digit(d, d), previous[((remainder * 10) + d) % divisor])));
                }

                states[remainder] = rules.Add($"multiple-{divisor}-{left}-{remainder}", Expression.Choice(ways));
            }

            previous = states;
        }

        Expression positive = Expression.Choice([.. Enumerable.Range(1, 9).Select(d => Expression.Sequence(JsonValues.Digit(d, d), previous[d % divisor]))]);
        Expression signed = withNegative ? Expression.Sequence(Expression.Optional(Expression.Literal("-")), positive) : positive;
        return Expression.Choice(Expression.Literal("0"), signed);
    }

    /// <summary>The numbers from one that is not negative to another, without sign.</summary>
    private static Expression Positive(NumberBound low, NumberBound? high, int digits)
    {
        decimal first = Math.Floor(low.Value), last = high is { } bound ? Math.Floor(bound.Value) : Math.Max(LargestUsual, first + 1);
        if (last < first || (high is { } end && end.Value < low.Value))
        {
            return Expression.Never;
        }

        Fractions fractions = new(digits);
        string lowFraction = Fraction(low.Value);
        if (high is null)
        {
            return Expression.Choice(
                Expression.Sequence(Expression.Literal(Text(first)), fractions.AtLeast(lowFraction, low.IsIncluded)),
                Expression.Sequence(Digits(first + 1, last), fractions.Any));
        }

        string highFraction = Fraction(high.Value.Value);
        if (first == last)
        {
            return Expression.Sequence(Expression.Literal(Text(first)), fractions.Between(lowFraction, low.IsIncluded, highFraction, high.Value.IsIncluded));
        }

        List<Expression> choices =
        [
            Expression.Sequence(Expression.Literal(Text(first)), fractions.AtLeast(lowFraction, low.IsIncluded)),
            Expression.Sequence(Expression.Literal(Text(last)), fractions.AtMost(highFraction, high.Value.IsIncluded)),
        ];
        if (first + 1 < last)
        {
            choices.Add(Expression.Sequence(Digits(first + 1, last - 1), fractions.Any));
        }

        return Expression.Choice(choices);
    }

    /// <summary>The integers from one that is not negative to another.</summary>
    private static Expression Digits(decimal first, decimal last)
    {
        List<Expression> choices = [];
        string low = Text(first), high = Text(last);
        for (int length = low.Length; length <= high.Length; length++)
        {
            string from = length == low.Length ? low : "1" + new string('0', length - 1);
            string to = length == high.Length ? high : new string('9', length);
            choices.Add(Between(from, to));
        }

        return Expression.Choice(choices);
    }

    /// <summary>The digit strings from one to another of the same length.</summary>
    private static Expression Between(string low, string high)
    {
        if (low.Length == 0)
        {
            return Expression.Empty;
        }

        int from = low[0] - '0', to = high[0] - '0';
        if (from == to)
        {
            return Expression.Sequence(JsonValues.Digit(from, to), Between(low[1..], high[1..]));
        }

        string zeros = new('0', low.Length - 1), nines = new('9', low.Length - 1);
        List<Expression> choices = [];
        if (low[1..] != zeros)
        {
            choices.Add(Expression.Sequence(JsonValues.Digit(from, from), Between(low[1..], nines)));
            from++;
        }

        if (high[1..] != nines)
        {
            choices.Add(Expression.Sequence(JsonValues.Digit(to, to), Between(zeros, high[1..])));
            to--;
        }

        if (from <= to)
        {
            choices.Add(Expression.Sequence(JsonValues.Digit(from, to), Expression.Repeat(JsonValues.Digit(0), zeros.Length, zeros.Length)));
        }

        return Expression.Choice(choices);
    }

    private static string Text(decimal integer) => integer.ToString("0", CultureInfo.InvariantCulture);

    /// <summary>The digits after the point, without zeros at the end.</summary>
    private static string Fraction(decimal? value)
    {
        string text = Math.Abs(value ?? 0).ToString(CultureInfo.InvariantCulture);
        int point = text.IndexOf('.', StringComparison.Ordinal);
        return point < 0 ? "" : text[(point + 1)..].TrimEnd('0');
    }
}
