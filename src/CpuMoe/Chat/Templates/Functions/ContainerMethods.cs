using System.Numerics;

namespace CpuMoe.Chat.Templates;

/// <summary>The methods of lists and maps.</summary>
internal static class ContainerMethods
{
    /// <summary>The methods of lists.</summary>
    public static FunctionTable OfLists { get; } = CreateForLists();

    /// <summary>The methods of maps.</summary>
    public static FunctionTable OfMaps { get; } = CreateForMaps();

    /// <summary>The entries of a map as tuples.</summary>
    public static ListValue Items(MapValue map, RenderContext context)
    {
        context.Budget.AllocateObjects(2L * map.Entries.Count);
        return new ListValue([.. map.Entries.Select(entry => new ListValue([entry.Key, entry.Value], isTuple: true))]);
    }

    /// <summary>The keys of a map.</summary>
    public static ListValue Keys(MapValue map, RenderContext context) => new([.. map.Elements(context.Budget)]);

    /// <summary>The values of a map.</summary>
    public static ListValue Values(MapValue map, RenderContext context)
    {
        context.Budget.AllocateEntries(map.Entries.Count);
        return new ListValue([.. map.Entries.Select(entry => entry.Value)]);
    }

    private static FunctionTable CreateForLists()
    {
        FunctionTable table = new("method");
        table.Add("append", 1, ["object"], (self, values, context) =>
        {
            List<Value> items = Changeable(self, context);
            context.Budget.AllocateEntries(1);
            items.Add(values[0]!);
            return NoneValue.Instance;
        });
        table.Add("pop", 0, ["index"], (self, values, context) =>
        {
            List<Value> items = Changeable(self, context);
            BigInteger index = -1;
            if (values[0] is { } given && !Numbers.TryInteger(given, out index))
            {
                throw context.Fault($"{given.Kind} cannot be an index");
            }

            index += index.Sign < 0 ? items.Count : 0;
            if (index.Sign < 0 || index >= items.Count)
            {
                throw context.Fault("there is no such element to take out");
            }

            context.Budget.Scan(items.Count);
            Value value = items[(int)index];
            items.RemoveAt((int)index);
            return value;
        });
        table.Add("index", 1, ["value"], (self, values, context) =>
        {
            int index = ((ListValue)self).Items.FindIndex(item => Comparing.AreEqual(item, values[0]!, context));
            return index >= 0 ? new IntegerValue(index) : throw context.Fault("the value is not in the list");
        });
        table.Add("count", 1, ["value"], (self, values, context) =>
            new IntegerValue(((ListValue)self).Items.Count(item => Comparing.AreEqual(item, values[0]!, context))));
        return table;
    }

    private static FunctionTable CreateForMaps()
    {
        FunctionTable table = new("method");
        table.Add("items", (self, context) => Items((MapValue)self, context));
        table.Add("keys", (self, context) => Keys((MapValue)self, context));
        table.Add("values", (self, context) => Values((MapValue)self, context));
        table.Add("get", 1, ["key", "default"], (self, values, context) =>
            ((MapValue)self).TryGet(values[0]!, context.Budget, out Value? value) ? value : values[1] ?? NoneValue.Instance);
        table.Add("pop", 1, ["key", "default"], (self, values, context) =>
        {
            MapValue map = (MapValue)self;
            if (!map.TryGet(values[0]!, context.Budget, out Value? value))
            {
                return values[1] ?? throw context.Fault("there is no such entry to take out");
            }

            context.Budget.Scan(map.Entries.Count);
            map.Remove(values[0]!);
            return value;
        });
        table.AddVariadic("update", (self, arguments, context) =>
        {
            Globals.Fill((MapValue)self, arguments, context);
            return NoneValue.Instance;
        });
        return table;
    }

    private static List<Value> Changeable(Value self, RenderContext context)
    {
        ListValue list = (ListValue)self;
        return list.IsTuple ? throw context.Fault("a tuple cannot change") : list.Items;
    }
}
