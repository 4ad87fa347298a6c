using System.Globalization;
using System.Numerics;

namespace CpuMoe.Chat.Templates;

/// <summary>The filters, <c>value | filter</c>, of single values; see the other files for texts and sequences.</summary>
internal static class Filters
{
    /// <summary>The filters by name.</summary>
    public static FunctionTable Table { get; } = Create();

    private static FunctionTable Create()
    {
        FunctionTable table = new("filter");
        table.Add("default", 0, ["default_value", "boolean"], (self, values, _) =>
            self is UndefinedValue || ((values[1]?.IsTruthy ?? false) && !self.IsTruthy) ? values[0] ?? TextValue.Empty : self);
        table.AddAlias("d", "default");
        table.Add("int", 0, ["default", "base"], (self, values, context) => (Value?)ToInteger(self, context) ?? values[0] ?? new IntegerValue(0));
        table.Add("float", 0, ["default"], (self, values, context) => (Value?)ToFloat(self, context) ?? values[0] ?? new FloatValue(0));
        table.Add("abs", (self, context) =>
            Numbers.TryFloat(self, out double number) ? (number < 0 ? Arithmetic.Sign(true, self, context) : Arithmetic.Sign(false, self, context))
            : throw context.Fault($"{self.Kind} has no absolute value"));
        table.Add("round", 0, ["precision", "method"], Round);
        table.Add("safe", (self, _) => self);
        table.Add("string", (self, context) => Printing.ToText(self, context));
        table.Add("attr", 1, ["name"], (self, values, context) => Access.Element(self, values[0]!, context));
        table.Add("tojson", 0, ["ensure_ascii", "indent", "separators", "sort_keys"], JsonPrinter.Print);
        table.Add("from_json", (self, context) => JsonValues.Parse(
            self as TextValue ?? throw context.Fault($"only a string can be read as JSON, not {self.Kind}"), context));
        TextFilters.AddTo(table);
        SequenceFilters.AddTo(table);
        SelectionFilters.AddTo(table);
        return table;
    }

    private static IntegerValue? ToInteger(Value value, RenderContext context)
    {
        if (Numbers.TryInteger(value, out BigInteger integer))
        {
            return new IntegerValue(integer);
        }

        double number = double.NaN;
        if (value is TextValue { Text.Length: <= 1000 } text)
        {
            string digits = text.Text.Trim();
            if (BigInteger.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out integer))
            {
                return IntegerValue.Of(integer, context.Budget);
            }

            number = (ToFloat(text, context) as FloatValue)?.Number ?? double.NaN;
        }
        else if (value is FloatValue real)
        {
            number = real.Number;
        }

        return double.IsFinite(number) ? IntegerValue.Of(new BigInteger(number), context.Budget) : null;
    }

    private static FloatValue? ToFloat(Value value, RenderContext context)
    {
        context.Budget.Scan((value as TextValue)?.Text.Length ?? 0);
        return Numbers.TryFloat(value, out double number) ? new FloatValue(number)
            : value is TextValue text && double.TryParse(text.Text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out number) ? new FloatValue(number)
            : null;
    }

    private static FloatValue Round(Value self, Value?[] values, RenderContext context)
    {
        BigInteger precision = 0;
        if (!Numbers.TryFloat(self, out double number) || (values[0] is { } given && !Numbers.TryInteger(given, out precision)))
        {
            throw context.Fault($"{self.Kind} cannot be rounded");
        }

        int digits = (int)BigInteger.Clamp(precision, 0, 15);
        double scale = Math.Pow(10, digits);
        return new FloatValue((values[1] as TextValue)?.Text switch
        {
            null or "common" => Math.Round(number, digits, MidpointRounding.ToEven),
            "ceil" => Math.Ceiling(number * scale) / scale,
            "floor" => Math.Floor(number * scale) / scale,
            _ => throw context.Fault("the method of rounding is 'common', 'ceil' or 'floor'"),
        });
    }
}
