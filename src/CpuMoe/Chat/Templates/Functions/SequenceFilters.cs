using System.Numerics;

namespace CpuMoe.Chat.Templates;

/// <summary>The filters of lists, maps and other sequences.</summary>
internal static class SequenceFilters
{
    /// <summary>Adds the filters to a table.</summary>
    public static void AddTo(FunctionTable table)
    {
        table.Add("length", (self, context) =>
            self.Count(context.Budget) is { } count ? new IntegerValue(count) : throw context.Fault($"{self.Kind} has no length"));
        table.AddAlias("count", "length");
        table.Add("first", (self, context) => Elements(self, context) is [var first, ..] ? first : new UndefinedValue("the first of no elements"));
        table.Add("last", (self, context) => Elements(self, context) is [.., var last] ? last : new UndefinedValue("the last of no elements"));
        table.Add("list", (self, context) => new ListValue([.. Elements(self, context)]));
        table.Add("items", (self, context) => self is UndefinedValue ? new ListValue([]) : ContainerMethods.Items(Map(self, context), context));
        table.Add("keys", (self, context) => ContainerMethods.Keys(Map(self, context), context));
        table.Add("values", (self, context) => ContainerMethods.Values(Map(self, context), context));
        table.Add("join", 0, ["d", "attribute"], (self, values, context) => Join(
            values[1] is null ? self : new ListValue([.. Elements(self, context).Select(item => Access.Path(item, values[1]!, context))]),
            values[0] is null ? TextValue.Empty : Printing.ToText(values[0]!, context),
            context));
        table.Add("reverse", (self, context) => self is TextValue
            ? Access.Slice(self, null, null, new IntegerValue(-1), context)
            : new ListValue([.. Elements(self, context).Reverse()]));
        table.Add("sum", 0, ["attribute", "start"], (self, values, context) => Elements(self, context)
            .Select(item => values[0] is null or NoneValue ? item : Access.Path(item, values[0]!, context))
            .Aggregate(values[1] ?? new IntegerValue(0), (sum, item) => Arithmetic.Apply(sum, "+", item, context)));
        table.Add("slice", 1, ["slices", "fill_with"], Slices);
        table.Add("batch", 1, ["linecount", "fill_with"], Batches);
    }

    /// <summary>Joins the texts of elements.</summary>
    public static TextValue Join(Value self, TextValue separator, RenderContext context)
    {
        TextValueBuilder text = new(context.Budget);
        bool isFirst = true;
        foreach (Value element in Elements(self, context))
        {
            context.Budget.Step();
            text.Append(isFirst ? TextValue.Empty : separator);
            Printing.Print(element, text, context);
            isFirst = false;
        }

        return text.ToValue();
    }

    /// <summary>The elements of a value that must have some.</summary>
    public static IReadOnlyList<Value> Elements(Value value, RenderContext context)
    {
        IReadOnlyList<Value> elements = value.Elements(context.Budget) ?? throw context.Fault($"{value.Kind} has no elements");
        context.Budget.Step(elements.Count / 8);
        context.Budget.AllocateEntries(elements.Count); // Filters make lists as long.
        return elements;
    }

    private static MapValue Map(Value value, RenderContext context) =>
        value as MapValue ?? throw context.Fault($"{value.Kind} is no mapping");

    /// <summary>Deals the elements out to lists whose lengths differ by at most one.</summary>
    private static ListValue Slices(Value self, Value?[] values, RenderContext context)
    {
        IReadOnlyList<Value> elements = Elements(self, context);
        int count = Number(values[0]!, context);
        int longer = elements.Count % count;
        context.Budget.AllocateObjects(count);
        context.Budget.Step(count);
        List<Value> slices = [];
        int at = 0;
        for (int i = 0; i < count; i++)
        {
            int length = (elements.Count / count) + (i < longer ? 1 : 0);
            List<Value> slice = [.. elements.Skip(at).Take(length)];
            at += length;
            if (values[1] is { } filler && longer > 0 && i >= longer)
            {
                slice.Add(filler);
            }

            slices.Add(new ListValue(slice));
        }

        return new ListValue(slices);
    }

    /// <summary>Cuts the elements into lists of one length.</summary>
    private static ListValue Batches(Value self, Value?[] values, RenderContext context)
    {
        int count = Number(values[0]!, context);
        context.Budget.AllocateEntries(count);
        List<Value> batches = [];
        foreach (Value[] chunk in Elements(self, context).Chunk(count))
        {
            List<Value> batch = [.. chunk];
            while (values[1] is { } filler && batch.Count < count)
            {
                batch.Add(filler);
            }

            batches.Add(new ListValue(batch));
        }

        return new ListValue(batches);
    }

    private static int Number(Value value, RenderContext context) =>
        Numbers.TryInteger(value, out BigInteger number) && number > 0
            ? (int)BigInteger.Min(number, context.Budget.OutputLength)
            : throw context.Fault("a number above 0 is expected");
}
