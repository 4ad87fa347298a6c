using System.Runtime.ExceptionServices;

namespace CpuMoe.Chat.Templates;

/// <summary>The filters that choose, change or order elements.</summary>
internal static class SelectionFilters
{
    /// <summary>Adds the filters to a table.</summary>
    public static void AddTo(FunctionTable table)
    {
        table.AddVariadic("select", (self, arguments, context) => Choose(self, arguments, 0, true, context));
        table.AddVariadic("reject", (self, arguments, context) => Choose(self, arguments, 0, false, context));
        table.AddVariadic("selectattr", (self, arguments, context) => Choose(self, arguments, 1, true, context));
        table.AddVariadic("rejectattr", (self, arguments, context) => Choose(self, arguments, 1, false, context));
        table.AddVariadic("map", Map);
        table.Add("sort", 0, ["reverse", "case_sensitive", "attribute"], (self, values, context) => Sort(
            SequenceFilters.Elements(self, context), values[2], values[1]?.IsTruthy ?? false, values[0]?.IsTruthy ?? false, context));
        table.Add("dictsort", 0, ["case_sensitive", "by", "reverse"], (self, values, context) => Sort(
            self is MapValue map ? ContainerMethods.Items(map, context).Items : throw context.Fault($"{self.Kind} is no mapping"),
            new IntegerValue((values[1] as TextValue)?.Text == "value" ? 1 : 0),
            values[0]?.IsTruthy ?? false,
            values[2]?.IsTruthy ?? false,
            context));
        table.Add("unique", 0, ["case_sensitive", "attribute"], (self, values, context) =>
        {
            HashSet<Value> seen = new(ScalarComparer.Instance);
            return new ListValue([.. SequenceFilters.Elements(self, context).Where(item => seen.Add(Key(item, values[1], values[0]?.IsTruthy ?? false, context)))]);
        });
        table.Add("min", 0, ["case_sensitive", "attribute"], (self, values, context) => Extreme(self, values, -1, context));
        table.Add("max", 0, ["case_sensitive", "attribute"], (self, values, context) => Extreme(self, values, 1, context));
    }

    /// <summary>Keeps the elements of which a test holds, or does not; without a test, those that are true.</summary>
    private static ListValue Choose(Value self, Arguments arguments, int testIndex, bool keeps, RenderContext context)
    {
        if (arguments.Positional.Count < testIndex)
        {
            throw context.Fault("the name of an attribute is needed");
        }

        Value? attribute = testIndex == 1 ? arguments.Positional[0] : null;
        TemplateFunction? test = arguments.Positional.Count > testIndex ? FindTest(arguments.Positional[testIndex], context) : null;
        Arguments rest = arguments.Skip(testIndex + 1);
        return new ListValue([.. SequenceFilters.Elements(self, context).Where(item =>
        {
            context.Budget.Step();
            Value value = attribute is null ? item : Access.Path(item, attribute, context);
            return (test?.Invoke(value, rest, context) ?? value).IsTruthy == keeps;
        })]);
    }

    private static TemplateFunction FindTest(Value name, RenderContext context)
    {
        string text = TextMethods.TextOf(name, context);
        return Tests.Table.TryGet(text, out TemplateFunction? test) ? test : throw context.Fault($"there is no test '{text}'");
    }

    /// <summary>Applies a filter to the elements, or takes an attribute of each.</summary>
    private static ListValue Map(Value self, Arguments arguments, RenderContext context)
    {
        Func<Value, Value> change;
        if (arguments.Positional.Count == 0)
        {
            Value?[] values = arguments.Bind("the filter 'map'", ["attribute", "default"], context);
            Value path = values[0] ?? throw context.Fault("the filter 'map' needs the name of a filter or an attribute");
            change = item => Access.Path(item, path, context) is var found && found is UndefinedValue ? values[1] ?? found : found;
        }
        else
        {
            string name = TextMethods.TextOf(arguments.Positional[0], context);
            if (!Filters.Table.TryGet(name, out TemplateFunction? filter))
            {
                throw context.Fault($"there is no filter '{name}'");
            }

            Arguments rest = arguments.Skip(1);
            change = item => filter(item, rest, context);
        }

        return new ListValue([.. SequenceFilters.Elements(self, context).Select(item =>
        {
            context.Budget.Enter(context.Budget.Position);
            Value changed = change(item);
            context.Budget.Leave();
            return changed;
        })]);
    }

    private static ListValue Sort(IReadOnlyList<Value> elements, Value? attribute, bool isCaseSensitive, bool isReversed, RenderContext context)
    {
        IComparer<Value> order = Comparer<Value>.Create((a, b) => Order(a, b, context));
        Value KeyOf(Value item) => Key(item, attribute, isCaseSensitive, context);
        IEnumerable<Value> sorted = isReversed ? elements.OrderByDescending(KeyOf, order) : elements.OrderBy(KeyOf, order);
        try
        {
            return new ListValue([.. sorted]);
        }
        catch (InvalidOperationException wrapped) when (wrapped.InnerException is ChatTemplateException fault)
        {
            ExceptionDispatchInfo.Throw(fault);
            throw;
        }
    }

    private static Value Extreme(Value self, Value?[] values, int sign, RenderContext context)
    {
        Value? best = null, bestKey = null;
        foreach (Value item in SequenceFilters.Elements(self, context))
        {
            Value key = Key(item, values[1], values[0]?.IsTruthy ?? false, context);
            if (bestKey is null || Order(key, bestKey, context) * sign > 0)
            {
                (best, bestKey) = (item, key);
            }
        }

        return best ?? new UndefinedValue("the extreme of no elements");
    }

    private static int Order(Value a, Value b, RenderContext context)
    {
        context.Budget.Step();
        return Math.Sign(Comparing.Compare(a, b, context));
    }

    /// <summary>What an element is ordered by: an attribute or itself, in small letters unless case counts.</summary>
    private static Value Key(Value item, Value? attribute, bool isCaseSensitive, RenderContext context)
    {
        Value key = attribute is null or NoneValue ? item : Access.Path(item, attribute, context);
        context.Budget.Hash(key);
        return key is TextValue text && !isCaseSensitive ? text.With(text.Text.ToLowerInvariant(), context.Budget) : key;
    }
}
