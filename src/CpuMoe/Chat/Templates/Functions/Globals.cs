using System.Numerics;

namespace CpuMoe.Chat.Templates;

/// <summary>The functions that every template can call.</summary>
internal static class Globals
{
    /// <summary>The longest range, that of Jinja's sandbox.</summary>
    private const int MaxRange = 100_000;

    /// <summary>Puts the functions into a scope.</summary>
    public static void AddTo(Scope scope)
    {
        Add("namespace", Namespace);
        Add("dict", (arguments, context) =>
        {
            MapValue map = new();
            Fill(map, arguments, context);
            return map;
        });
        Add("range", Range);
        Add("raise_exception", (arguments, context) =>
            throw context.Fault($"the template refuses: {Printing.ToText(arguments.Bind("raise_exception()", ["message"], context)[0] ?? TextValue.Empty, context).Text}"));
        Add("strftime_now", (arguments, context) =>
            arguments.Bind("strftime_now()", ["format"], context) is [TextValue { Text.Length: <= Strftime.MaxLength } format]
                ? TextValue.Trusted(Strftime.Format(context.Clock.GetLocalNow(), format.Text))
                : throw context.Fault($"strftime_now() needs a format, of at most {Strftime.MaxLength} characters"));

        void Add(string name, Func<Arguments, RenderContext, Value> function) => scope.Set(name, new FunctionValue(name, function));
    }

    /// <summary>Adds the entries of a map and the named arguments to a map.</summary>
    public static void Fill(MapValue map, Arguments arguments, RenderContext context)
    {
        switch (arguments.Positional)
        {
            case []:
                break;
            case [MapValue source]:
                context.Budget.Step(source.Entries.Count);
                foreach ((Value key, Value value) in source.Entries.ToArray())
                {
                    map.Set(key, value, context.Budget);
                }

                break;
            default:
                throw context.Fault("one mapping or named arguments are expected");
        }

        foreach ((string name, Value value) in arguments.Named)
        {
            map.Set(TextValue.Trusted(name), value, context.Budget);
        }
    }

    private static NamespaceValue Namespace(Arguments arguments, RenderContext context)
    {
        MapValue members = new();
        Fill(members, arguments, context);
        NamespaceValue space = new();
        foreach ((Value key, Value value) in members.Entries)
        {
            space.Set(key is TextValue name ? name.Text : throw context.Fault("the members of a namespace need names"), value, context.Budget);
        }

        return space;
    }

    private static ListValue Range(Arguments arguments, RenderContext context)
    {
        BigInteger[] bounds = [.. arguments.Positional.Select(value =>
            Numbers.TryInteger(value, out BigInteger number) ? number : throw context.Fault($"range() takes integers, not {value.Kind}"))];
        if (bounds.Length is 0 or > 3 || arguments.Named.Count > 0)
        {
            throw context.Fault("range() takes one to three integers");
        }

        (BigInteger start, BigInteger stop) = bounds.Length == 1 ? (0, bounds[0]) : (bounds[0], bounds[1]);
        BigInteger step = bounds.Length == 3 ? bounds[2] : 1;
        if (step.IsZero)
        {
            throw context.Fault("the step of a range is 0");
        }

        BigInteger count = BigInteger.Max(0, (stop - start + step - step.Sign) / step);
        if (count > MaxRange)
        {
            throw context.Fault($"the range has more than {MaxRange} numbers");
        }

        context.Budget.AllocateObjects((long)count);
        context.Budget.Step((long)count / 8);
        return new ListValue([.. Enumerable.Range(0, (int)count).Select(i => new IntegerValue(start + (step * i)))]);
    }
}
