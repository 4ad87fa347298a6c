using System.Numerics;

namespace CpuMoe.Chat.Templates;

/// <summary>The operators <c>+ - * / // % **</c>, as Python has them.</summary>
internal static class Arithmetic
{
    /// <summary>Applies an operator.</summary>
    public static Value Apply(Value left, string sign, Value right, RenderContext context)
    {
        RenderBudget budget = context.Budget;
        switch (left, sign, right)
        {
            case (TextValue or MapValue { Source: not null }, "+", TextValue or MapValue { Source: not null }):
                TextValueBuilder text = new(budget);
                Printing.Print(left, text, context);
                Printing.Print(right, text, context);
                return text.ToValue();
            case (ListValue a, "+", ListValue b) when a.IsTuple == b.IsTuple:
                budget.AllocateEntries(a.Items.Count + b.Items.Count);
                return new ListValue([.. a.Items, .. b.Items], a.IsTuple);
            case (TextValue a, "*", _) when Numbers.TryInteger(right, out BigInteger count):
                return Repeat(a, count, context);
            case (_, "*", TextValue b) when Numbers.TryInteger(left, out BigInteger count):
                return Repeat(b, count, context);
        }

        if (Numbers.TryInteger(left, out BigInteger m) && Numbers.TryInteger(right, out BigInteger n) && sign != "/" && !(sign == "**" && n.Sign < 0))
        {
            return OfIntegers(m, sign, n, context);
        }

        return Numbers.TryFloat(left, out double x) && Numbers.TryFloat(right, out double y)
            ? new FloatValue(OfFloats(x, sign, y, context))
            : throw context.Fault(left is UndefinedValue || right is UndefinedValue
                ? $"'{(left as UndefinedValue ?? (UndefinedValue)right).Name}' is undefined, and '{sign}' needs a value"
                : $"'{sign}' does not go with {left.Kind} and {right.Kind}");
    }

    /// <summary>Applies a sign.</summary>
    public static Value Sign(bool isNegative, Value value, RenderContext context) =>
        Numbers.TryInteger(value, out BigInteger integer) ? new IntegerValue(isNegative ? -integer : integer)
        : Numbers.TryFloat(value, out double number) ? new FloatValue(isNegative ? -number : number)
        : throw context.Fault($"{value.Kind} has no sign");

    private static IntegerValue OfIntegers(BigInteger m, string sign, BigInteger n, RenderContext context)
    {
        if (sign is "//" or "%" && n.IsZero)
        {
            throw context.Fault("division by zero");
        }

        return sign switch
        {
            "+" => IntegerValue.Of(m + n, context.Budget),
            "-" => IntegerValue.Of(m - n, context.Budget),
            "*" => IntegerValue.Of(m * n, context.Budget),
            "//" => new IntegerValue((m - Modulo(m, n)) / n),
            "%" => new IntegerValue(Modulo(m, n)),
            _ => IntegerValue.Power(m, n, context.Budget),
        };
    }

    /// <summary>The remainder with the sign of the divisor.</summary>
    private static BigInteger Modulo(BigInteger m, BigInteger n)
    {
        BigInteger remainder = m % n;
        return !remainder.IsZero && remainder.Sign != n.Sign ? remainder + n : remainder;
    }

    private static double OfFloats(double x, string sign, double y, RenderContext context)
    {
        if (sign is "/" or "//" or "%" && y == 0)
        {
            throw context.Fault("division by zero");
        }

        return sign switch
        {
            "+" => x + y,
            "-" => x - y,
            "*" => x * y,
            "/" => x / y,
            "//" => Math.Floor(x / y),
            "%" => x - (y * Math.Floor(x / y)),
            _ => Math.Pow(x, y),
        };
    }

    private static TextValue Repeat(TextValue text, BigInteger count, RenderContext context)
    {
        TextValueBuilder repeated = new(context.Budget);
        for (BigInteger i = 0; i < count && text.Text.Length > 0; i++)
        {
            context.Budget.Step();
            repeated.Append(text);
        }

        return repeated.ToValue();
    }
}
