using System.Numerics;

namespace CpuMoe.Chat.Templates;

/// <summary>The methods of strings.</summary>
internal static class TextMethods
{
    /// <summary>The methods by name.</summary>
    public static FunctionTable Table { get; } = Create();

    /// <summary>Drops characters of a set at the ends; without a set, white space.</summary>
    public static TextValue Strip(TextValue value, Value? set, bool atStart, bool atEnd, RenderContext context)
    {
        string? characters = set is null or NoneValue ? null : TextOf(set, context);
        string text = value.Text;
        context.Budget.Scan(text.Length, characters?.Length ?? 1);
        int start = 0, end = text.Length;
        while (atStart && start < end && IsIn(text[start]))
        {
            start++;
        }

        while (atEnd && end > start && IsIn(text[end - 1]))
        {
            end--;
        }

        return value.Slice(start, end - start, context.Budget);

        bool IsIn(char c) => characters?.Contains(c, StringComparison.Ordinal) ?? PythonText.IsSpace(c);
    }

    /// <summary>Replaces occurrences from the left, at most <paramref name="count"/>.</summary>
    public static TextValue Replace(TextValue value, TextValue old, TextValue replacement, int count, RenderContext context)
    {
        TextValueBuilder result = new(context.Budget);
        context.Budget.Scan(value.Text.Length, old.Text.Length);
        int copied = 0;
        for (int from = 0; count > 0 && from <= value.Text.Length; count--)
        {
            int at = value.Text.IndexOf(old.Text, from, StringComparison.Ordinal);
            if (at < 0)
            {
                break;
            }

            context.Budget.Step();
            result.Append(value, copied, at - copied);
            result.Append(replacement);
            copied = at + old.Text.Length;

            // Nothing is found between all characters.
            from = old.Text.Length > 0 ? copied : at + (at < value.Text.Length ? value.LengthAt(at) : 1);
        }

        result.Append(value, copied, value.Text.Length - copied);
        return result.ToValue();
    }

    /// <summary>Makes the first character a capital and the others small.</summary>
    public static TextValue Capitalize(TextValue value, RenderContext context)
    {
        int first = value.Text.Length > 0 ? value.LengthAt(0) : 0;
        return value.With(value.Text[..first].ToUpperInvariant() + value.Text[first..].ToLowerInvariant(), context.Budget);
    }

    /// <summary>Makes the first letter of every word a capital and the others small.</summary>
    public static TextValue Title(TextValue value, RenderContext context)
    {
        char[] text = value.Text.ToLowerInvariant().ToCharArray();
        for (int i = 0; i < text.Length; i++)
        {
            text[i] = i == 0 || !char.IsLetter(text[i - 1]) ? char.ToUpperInvariant(text[i]) : text[i];
        }

        return value.With(new string(text), context.Budget);
    }

    /// <summary>The characters of a value that must be a string.</summary>
    public static string TextOf(Value value, RenderContext context) =>
        value is TextValue text ? text.Text : throw context.Fault($"a string is expected, not {value.Kind}");

    private static FunctionTable Create()
    {
        FunctionTable table = new("method");
        table.Add("strip", 0, ["chars"], (self, values, context) => Strip((TextValue)self, values[0], true, true, context));
        table.Add("lstrip", 0, ["chars"], (self, values, context) => Strip((TextValue)self, values[0], true, false, context));
        table.Add("rstrip", 0, ["chars"], (self, values, context) => Strip((TextValue)self, values[0], false, true, context));
        table.Add("split", 0, ["sep", "maxsplit"], (self, values, context) => Splitting.Split((TextValue)self, values[0], Count(values[1], context), context));
        table.Add("rsplit", 0, ["sep", "maxsplit"], (self, values, context) => Splitting.SplitFromEnd((TextValue)self, values[0], Count(values[1], context), context));
        table.Add("splitlines", 0, ["keepends"], (self, values, context) => Splitting.Lines((TextValue)self, values[0]?.IsTruthy ?? false, context));
        table.Add("startswith", 1, ["prefix"], (self, values, context) =>
            Any(values[0]!, context, prefix => ((TextValue)self).Text.StartsWith(prefix, StringComparison.Ordinal)));
        table.Add("endswith", 1, ["suffix"], (self, values, context) =>
            Any(values[0]!, context, suffix => ((TextValue)self).Text.EndsWith(suffix, StringComparison.Ordinal)));
        table.Add("replace", 2, ["old", "new", "count"], (self, values, context) =>
            Replace((TextValue)self, Text(values[0]!, context), Text(values[1]!, context), Count(values[2], context), context));
        table.Add("removeprefix", 1, ["prefix"], (self, values, context) =>
            self is TextValue text && TextOf(values[0]!, context) is var prefix && text.Text.StartsWith(prefix, StringComparison.Ordinal)
                ? text.Slice(prefix.Length, text.Text.Length - prefix.Length, context.Budget) : self);
        table.Add("removesuffix", 1, ["suffix"], (self, values, context) =>
            self is TextValue text && TextOf(values[0]!, context) is var suffix && text.Text.EndsWith(suffix, StringComparison.Ordinal)
                ? text.Slice(0, text.Text.Length - suffix.Length, context.Budget) : self);
        table.Add("find", 1, ["sub"], (self, values, context) => Find((TextValue)self, values[0]!, context, (text, sub) => text.IndexOf(sub, StringComparison.Ordinal)));
        table.Add("rfind", 1, ["sub"], (self, values, context) => Find((TextValue)self, values[0]!, context, (text, sub) => text.LastIndexOf(sub, StringComparison.Ordinal)));
        table.Add("count", 1, ["sub"], (self, values, context) =>
            new IntegerValue(Splitting.Split((TextValue)self, values[0]!, int.MaxValue, context).Items.Count - 1));
        table.Add("join", 1, ["iterable"], (self, values, context) => SequenceFilters.Join(values[0]!, (TextValue)self, context));
        table.Add("upper", (self, context) => ((TextValue)self).With(((TextValue)self).Text.ToUpperInvariant(), context.Budget));
        table.Add("lower", (self, context) => ((TextValue)self).With(((TextValue)self).Text.ToLowerInvariant(), context.Budget));
        table.Add("capitalize", (self, context) => Capitalize((TextValue)self, context));
        table.Add("title", (self, context) => Title((TextValue)self, context));
        AddPredicate(table, "isdigit", char.IsDigit);
        AddPredicate(table, "isalpha", char.IsLetter);
        AddPredicate(table, "isalnum", char.IsLetterOrDigit);
        AddPredicate(table, "isspace", PythonText.IsSpace);
        return table;
    }

    /// <summary>A method that holds of texts, not empty, whose every character meets a condition.</summary>
    private static void AddPredicate(FunctionTable table, string name, Func<char, bool> holds) =>
        table.Add(name, (self, context) =>
        {
            string text = ((TextValue)self).Text;
            context.Budget.Scan(text.Length);
            return BooleanValue.Of(text.Length > 0 && text.All(holds));
        });

    private static TextValue Text(Value value, RenderContext context) =>
        value as TextValue ?? throw context.Fault($"a string is expected, not {value.Kind}");

    /// <summary>A number of times; negative and none mean all.</summary>
    private static int Count(Value? value, RenderContext context)
    {
        BigInteger count = -1;
        return value is null or NoneValue || Numbers.TryInteger(value, out count)
            ? count.Sign < 0 ? int.MaxValue : (int)BigInteger.Min(count, int.MaxValue)
            : throw context.Fault($"a number is expected, not {value.Kind}");
    }

    /// <summary>Whether a condition holds of a string or of one in a tuple.</summary>
    private static BooleanValue Any(Value value, RenderContext context, Func<string, bool> holds)
    {
        return BooleanValue.Of(value is ListValue { IsTuple: true } list ? list.Items.Any(Holds) : Holds(value));

        bool Holds(Value item)
        {
            string text = TextOf(item, context);
            context.Budget.Step();
            context.Budget.Scan(text.Length);
            return holds(text);
        }
    }

    private static IntegerValue Find(TextValue value, Value sub, RenderContext context, Func<string, string, int> find)
    {
        string pattern = TextOf(sub, context);
        context.Budget.Scan(value.Text.Length, pattern.Length);
        int at = find(value.Text, pattern);
        return new IntegerValue(at <= 0 ? at : value.Slice(0, at, context.Budget).Count(context.Budget)!.Value);
    }
}
