using System.Numerics;

namespace CpuMoe.Chat.Templates;

/// <summary>The operators <c>== != &lt; &lt;= &gt; &gt;= in</c>, as Python has them.</summary>
internal static class Comparing
{
    /// <summary>Whether a comparison holds.</summary>
    public static bool Holds(Value left, string sign, Value right, RenderContext context) => sign switch
    {
        "==" => AreEqual(left, right, context),
        "!=" => !AreEqual(left, right, context),
        "in" => Contains(right, left, context),
        "not in" => !Contains(right, left, context),
        "<" => Compare(left, right, context) < 0,
        "<=" => Compare(left, right, context) <= 0,
        ">" => Compare(left, right, context) > 0,
        _ => Compare(left, right, context) >= 0,
    };

    /// <summary>Whether two values are equal; lists and maps are if their elements are.</summary>
    public static bool AreEqual(Value left, Value right, RenderContext context)
    {
        RenderBudget budget = context.Budget;
        budget.Enter(budget.Position);
        bool equal;
        switch (left, right)
        {
            case (TextValue a, TextValue b):
                budget.Scan(Math.Min(a.Text.Length, b.Text.Length));
                equal = a.Text == b.Text;
                break;
            case (NoneValue, _) or (_, NoneValue):
                equal = IsNone(left) && IsNone(right);
                break;
            case (UndefinedValue, UndefinedValue):
                equal = true;
                break;
            case (ListValue a, ListValue b):
                equal = a.IsTuple == b.IsTuple && a.Items.Count == b.Items.Count;
                for (int i = 0; i < a.Items.Count && equal; i++)
                {
                    equal = AreEqual(a.Items[i], b.Items[i], context);
                }

                break;
            case (MapValue a, MapValue b):
                equal = a.Entries.Count == b.Entries.Count
                    && a.Entries.All(entry => b.TryGet(entry.Key, budget, out Value? other) && AreEqual(entry.Value, other, context));
                break;
            default:
                equal = ReferenceEquals(left, right) || (ScalarComparer.IsScalar(left) && ScalarComparer.Instance.Equals(left, right));
                break;
        }

        budget.Leave();
        return equal;
    }

    /// <summary>Whether a value is none, or the text of a message without one.</summary>
    public static bool IsNone(Value value) => value is NoneValue || ReferenceEquals(value, TextValue.Absent);

    /// <summary>Orders two numbers, two strings or two lists.</summary>
    public static int Compare(Value left, Value right, RenderContext context)
    {
        RenderBudget budget = context.Budget;
        switch (left, right)
        {
            case (TextValue a, TextValue b):
                budget.Scan(Math.Min(a.Text.Length, b.Text.Length));
                return string.CompareOrdinal(a.Text, b.Text);
            case (ListValue a, ListValue b):
                return CompareLists(a, b, context);
        }

        return Numbers.TryInteger(left, out BigInteger m) && Numbers.TryInteger(right, out BigInteger n) ? m.CompareTo(n)
            : Numbers.TryFloat(left, out double x) && Numbers.TryFloat(right, out double y) ? x.CompareTo(y)
            : throw context.Fault($"{left.Kind} and {right.Kind} have no order");
    }

    /// <summary>Whether a value is an element of a list, a key of a map, or a part of a string.</summary>
    public static bool Contains(Value whole, Value part, RenderContext context)
    {
        switch (whole)
        {
            case TextValue text:
                TextValue pattern = part as TextValue ?? throw context.Fault($"{part.Kind} cannot be part of a string");
                context.Budget.Scan(text.Text.Length, pattern.Text.Length);
                return text.Text.Contains(pattern.Text, StringComparison.Ordinal);
            case MapValue map:
                return map.TryGet(part, context.Budget, out _);
            default:
                IReadOnlyList<Value> elements = whole.Elements(context.Budget) ?? throw context.Fault($"{whole.Kind} has no elements");
                return elements.Any(element => AreEqual(element, part, context));
        }
    }

    private static int CompareLists(ListValue a, ListValue b, RenderContext context)
    {
        context.Budget.Enter(context.Budget.Position);
        int order = 0;
        for (int i = 0; i < a.Items.Count && i < b.Items.Count && order == 0; i++)
        {
            order = AreEqual(a.Items[i], b.Items[i], context) ? 0 : Compare(a.Items[i], b.Items[i], context);
        }

        context.Budget.Leave();
        return order != 0 ? order : a.Items.Count.CompareTo(b.Items.Count);
    }
}
