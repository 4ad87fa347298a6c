using System.Numerics;

namespace CpuMoe.Chat.Templates;

/// <summary>Members, elements and slices of values.</summary>
internal static class Access
{
    /// <summary><c>value.name</c>: methods come before entries.</summary>
    public static Value Member(Value value, TextValue name, RenderContext context) =>
        (Value?)Method(value, name.Text) ?? Entry(value, name, context) ?? Missing(value, name, context);

    /// <summary><c>value[index]</c>: entries come before methods.</summary>
    public static Value Element(Value value, Value index, RenderContext context)
    {
        context.Budget.Hash(index);
        return Entry(value, index, context) ?? (index is TextValue name ? (Value?)Method(value, name.Text) : null) ?? Missing(value, index, context);
    }

    /// <summary><c>value[start:stop:step]</c>.</summary>
    public static Value Slice(Value value, Value? start, Value? stop, Value? step, RenderContext context)
    {
        if (value is not (TextValue or ListValue))
        {
            return Missing(value, TextValue.Trusted("slice"), context);
        }

        int count = value.Count(context.Budget)!.Value;
        int by = Bound(step, 1, context);
        if (by == 0)
        {
            throw context.Fault("the step of a slice is 0");
        }

        int from = Clip(Bound(start, by > 0 ? 0 : int.MaxValue, context), count, by);
        int to = stop is null or NoneValue ? (by > 0 ? count : -1) : Clip(Bound(stop, 0, context), count, by);
        if (value is TextValue text && by == 1)
        {
            int begin = text.IndexOf(from, context.Budget);
            return to <= from ? TextValue.Empty : text.Slice(begin, text.IndexOf(to, context.Budget) - begin, context.Budget);
        }

        IReadOnlyList<Value> elements = value.Elements(context.Budget)!;
        List<Value> picked = [];
        for (long i = from; by > 0 ? i < to : i > to; i += by)
        {
            picked.Add(elements[(int)i]);
        }

        context.Budget.AllocateEntries(picked.Count);
        context.Budget.Step(picked.Count);
        return value is ListValue list ? new ListValue(picked, list.IsTuple) : Join(picked, context);
    }

    /// <summary>A member of a value by a path such as <c>function.name</c>, as filters take it.</summary>
    public static Value Path(Value value, Value path, RenderContext context)
    {
        if (path is not TextValue text)
        {
            return Element(value, path, context);
        }

        context.Budget.Step(text.Text.Length);
        foreach (string part in text.Text.Split('.'))
        {
            Value key = int.TryParse(part, out int index) ? new IntegerValue(index) : TextValue.Trusted(part);
            value = Element(value, key, context);
        }

        return value;
    }

    private static TextValue Join(List<Value> characters, RenderContext context)
    {
        TextValueBuilder text = new(context.Budget);
        foreach (Value character in characters)
        {
            text.Append((TextValue)character);
        }

        return text.ToValue();
    }

    private static int Bound(Value? value, int absent, RenderContext context) => value switch
    {
        null or NoneValue => absent,
        _ when Numbers.TryInteger(value, out BigInteger number) => (int)BigInteger.Clamp(number, int.MinValue, int.MaxValue),
        _ => throw context.Fault($"{value.Kind} cannot bound a slice"),
    };

    private static int Clip(int bound, int count, int step)
    {
        int at = bound < 0 ? (int)Math.Max((long)bound + count, -1) : bound;
        return step > 0 ? Math.Clamp(at, 0, count) : Math.Clamp(at, -1, count - 1);
    }

    private static Value? Entry(Value value, Value key, RenderContext context)
    {
        switch (value)
        {
            case MapValue map:
                return map.TryGet(key, context.Budget, out Value? entry) ? entry : null;
            case NamespaceValue space when key is TextValue name:
                return space.Find(name.Text);
            case LoopValue loop when key is TextValue name:
                return loop.Find(name.Text);
            case TextValue or ListValue when Numbers.TryInteger(key, out BigInteger index):
                int count = value.Count(context.Budget)!.Value;
                index += index.Sign < 0 ? count : 0;
                return index.Sign < 0 || index >= count ? null
                    : value is ListValue list ? list.Items[(int)index]
                    : CharacterAt((TextValue)value, (int)index, context);
            default:
                return null;
        }
    }

    private static TextValue CharacterAt(TextValue text, int index, RenderContext context)
    {
        int at = text.IndexOf(index, context.Budget);
        return text.Slice(at, text.LengthAt(at), context.Budget);
    }

    private static FunctionValue? Method(Value value, string name)
    {
        FunctionTable? methods = value switch
        {
            TextValue => TextMethods.Table,
            ListValue => ContainerMethods.OfLists,
            MapValue => ContainerMethods.OfMaps,
            _ => null,
        };
        return methods is not null && methods.TryGet(name, out TemplateFunction? method)
            ? new FunctionValue(name, (arguments, context) => method(value, arguments, context))
            : null;
    }

    private static UndefinedValue Missing(Value value, Value key, RenderContext context)
    {
        string name = key is TextValue text ? text.Text : Printing.ToText(key, context).Text;
        return value is UndefinedValue undefined
            ? throw context.Fault($"'{undefined.Name}' is undefined and has no '{name}'")
            : new UndefinedValue(name);
    }
}
