using System.Globalization;
using System.Numerics;

namespace CpuMoe.Chat.Templates;

/// <summary>Numbers as Python has them; booleans are integers.</summary>
internal static class Numbers
{
    /// <summary>The integer that a value is.</summary>
    public static bool TryInteger(Value value, out BigInteger number)
    {
        switch (value)
        {
            case IntegerValue integer:
                number = integer.Number;
                return true;
            case BooleanValue:
                number = value.IsTruthy ? 1 : 0;
                return true;
            default:
                number = default;
                return false;
        }
    }

    /// <summary>The number that a value is, rounded to a double.</summary>
    public static bool TryFloat(Value value, out double number)
    {
        if (value is FloatValue real)
        {
            number = real.Number;
            return true;
        }

        bool isInteger = TryInteger(value, out BigInteger integer);
        number = (double)integer;
        return isInteger;
    }

    /// <summary>The shortest text that reads back as the number, in Python's spelling.</summary>
    public static string Format(double number)
    {
        if (!double.IsFinite(number))
        {
            return double.IsNaN(number) ? "nan" : number > 0 ? "inf" : "-inf";
        }

        // The runtime gives the shortest digits as well; only the place where exponents begin differs.
        string text = Math.Abs(number).ToString("R", CultureInfo.InvariantCulture);
        int mark = text.IndexOf('E', StringComparison.Ordinal);
        string mantissa = mark < 0 ? text : text[..mark];
        int exponent = mark < 0 ? 0 : int.Parse(text.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        int point = mantissa.IndexOf('.', StringComparison.Ordinal);
        string all = mantissa.Replace(".", "", StringComparison.Ordinal);
        string digits = all.TrimStart('0');
        exponent += digits.Length == 0 ? 0 : (point < 0 ? mantissa.Length : point) - 1 - (all.Length - digits.Length);
        digits = digits.TrimEnd('0') is { Length: > 0 } some ? some : "0";
        return (double.IsNegative(number) ? "-" : "") + Format(digits, exponent);
    }

    /// <summary>A number from its significant digits and the exponent of the first one.</summary>
    private static string Format(string digits, int exponent) => exponent switch
    {
        < -4 or >= 16 => $"{digits[0]}{(digits.Length > 1 ? "." + digits[1..] : "")}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}",
        < 0 => "0." + new string('0', -exponent - 1) + digits,
        _ when digits.Length <= exponent + 1 => digits.PadRight(exponent + 1, '0') + ".0",
        _ => digits[..(exponent + 1)] + "." + digits[(exponent + 1)..],
    };
}
