using System.Numerics;

namespace CpuMoe.Chat.Templates;

/// <summary>The tests, <c>value is test</c>.</summary>
internal static class Tests
{
    /// <summary>The tests by name.</summary>
    public static FunctionTable Table { get; } = Create();

    private static FunctionTable Create()
    {
        FunctionTable table = new("test");
        Add("defined", value => value is not UndefinedValue);
        Add("undefined", value => value is UndefinedValue);
        Add("none", Comparing.IsNone);
        Add("string", value => value is TextValue);
        Add("mapping", value => value is MapValue);
        Add("iterable", value => value is TextValue or ListValue or MapValue or UndefinedValue);
        Add("sequence", value => value is TextValue or ListValue or MapValue or UndefinedValue);
        Add("boolean", value => value is BooleanValue);
        Add("true", value => value == BooleanValue.True);
        Add("false", value => value == BooleanValue.False);
        Add("number", value => value is IntegerValue or FloatValue or BooleanValue);
        Add("integer", value => value is IntegerValue);
        Add("float", value => value is FloatValue);
        Add("callable", value => value is FunctionValue);
        Add("lower", value => value is TextValue text && text.Text.Any(char.IsLower) && !text.Text.Any(char.IsUpper));
        Add("upper", value => value is TextValue text && text.Text.Any(char.IsUpper) && !text.Text.Any(char.IsLower));
        table.Add("odd", (value, context) => BooleanValue.Of(Remainder(value, 2, context) == 1));
        table.Add("even", (value, context) => BooleanValue.Of(Remainder(value, 2, context) == 0));
        table.Add("divisibleby", 1, ["num"], (self, values, context) => BooleanValue.Of(
            Numbers.TryInteger(values[0]!, out BigInteger divisor) && !divisor.IsZero ? Remainder(self, divisor, context).IsZero
            : throw context.Fault("the divisor is an integer other than 0")));
        table.Add("sameas", 1, ["other"], (self, values, context) => BooleanValue.Of(
            ReferenceEquals(self, values[0]) || (self.GetType() == values[0]!.GetType() && ScalarComparer.IsScalar(self) && Comparing.AreEqual(self, values[0]!, context))));
        AddComparison("==", "eq", "equalto");
        AddComparison("!=", "ne");
        AddComparison("<", "lt", "lessthan");
        AddComparison("<=", "le");
        AddComparison(">", "gt", "greaterthan");
        AddComparison(">=", "ge");
        AddComparison("in", "in");
        return table;

        void Add(string name, Func<Value, bool> holds) => table.Add(name, (value, context) =>
        {
            context.Budget.Scan((value as TextValue)?.Text.Length ?? 0);
            return BooleanValue.Of(holds(value));
        });

        void AddComparison(string sign, params ReadOnlySpan<string> names)
        {
            foreach (string name in names)
            {
                table.Add(name, 1, ["other"], (self, values, context) => BooleanValue.Of(Comparing.Holds(self, sign, values[0]!, context)));
            }

            if (sign != "in")
            {
                table.AddAlias(sign, names[0]);
            }
        }
    }

    private static BigInteger Remainder(Value value, BigInteger divisor, RenderContext context) =>
        Numbers.TryInteger(value, out BigInteger number) ? BigInteger.Abs(number % divisor)
        : throw context.Fault($"an integer is expected, not {value.Kind}");
}
