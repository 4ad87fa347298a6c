using System.Globalization;
using System.Text;

namespace CpuMoe.Chat.Templates;

/// <summary>The text of a value, as Python's <c>str</c> and <c>repr</c> give it.</summary>
internal static class Printing
{
    /// <summary>The text of a value.</summary>
    public static TextValue ToText(Value value, RenderContext context)
    {
        if (value is TextValue text)
        {
            return text;
        }

        TextValueBuilder printed = new(context.Budget);
        Print(value, printed, context);
        return printed.ToValue();
    }

    /// <summary>Writes the text of a value.</summary>
    public static void Print(Value value, TextValueBuilder output, RenderContext context)
    {
        switch (value)
        {
            case TextValue text:
                output.Append(text);
                break;
            case UndefinedValue:
                break;
            case MapValue { Source: { } source }:
                output.Append(source);
                break;
            default:
                PrintRepresentation(value, output, context);
                break;
        }
    }

    private static void PrintRepresentation(Value value, TextValueBuilder output, RenderContext context)
    {
        context.Budget.Enter(context.Budget.Position);
        switch (value)
        {
            case TextValue text:
                PrintQuoted(text, output);
                break;
            case UndefinedValue:
                output.AppendTrusted("Undefined");
                break;
            case NoneValue:
                output.AppendTrusted("None");
                break;
            case BooleanValue:
                output.AppendTrusted(value.IsTruthy ? "True" : "False");
                break;
            case IntegerValue integer:
                output.AppendTrusted(integer.Number.ToString(CultureInfo.InvariantCulture));
                break;
            case FloatValue number:
                output.AppendTrusted(Numbers.Format(number.Number));
                break;
            case ListValue list:
                output.AppendTrusted(list.IsTuple ? "(" : "[");
                for (int i = 0; i < list.Items.Count; i++)
                {
                    output.AppendTrusted(i > 0 ? ", " : "");
                    PrintRepresentation(list.Items[i], output, context);
                }

                output.AppendTrusted(!list.IsTuple ? "]" : list.Items.Count == 1 ? ",)" : ")");
                break;
            case MapValue map:
                PrintMap(map, output, context);
                break;
            default:
                throw context.Fault($"{value.Kind} cannot be printed");
        }

        context.Budget.Leave();
    }

    private static void PrintMap(MapValue map, TextValueBuilder output, RenderContext context)
    {
        output.AppendTrusted("{");
        string separator = "";
        foreach ((Value key, Value value) in map.Entries)
        {
            output.AppendTrusted(separator);
            PrintRepresentation(key, output, context);
            output.AppendTrusted(": ");
            PrintRepresentation(value, output, context);
            separator = ", ";
        }

        output.AppendTrusted("}");
    }

    /// <summary>Writes a string in quotes, its unprintable characters escaped.</summary>
    private static void PrintQuoted(TextValue value, TextValueBuilder output)
    {
        string text = value.Text;
        char quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        output.AppendTrusted([quote]);
        int plain = 0;
        for (int at = 0; at < text.Length;)
        {
            int length = value.LengthAt(at);
            if (Escape(text, at, quote) is { } escape)
            {
                output.Append(value, plain, at - plain);
                output.AppendTrusted(escape);
                plain = at + length;
            }

            at += length;
        }

        output.Append(value, plain, text.Length - plain);
        output.AppendTrusted([quote]);
    }

    private static string? Escape(string text, int at, char quote)
    {
        char c = text[at];
        switch (c)
        {
            case '\n':
                return "\\n";
            case '\r':
                return "\\r";
            case '\t':
                return "\\t";
            case '\\':
                return "\\\\";
            case ' ':
                return null;
            case var _ when c == quote:
                return $"\\{c}";
        }

        UnicodeCategory category = CharUnicodeInfo.GetUnicodeCategory(text, at);
        if (category is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
            or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator))
        {
            return null;
        }

        int code = Rune.TryGetRuneAt(text, at, out Rune rune) ? rune.Value : c;
        return code <= 0xff ? $"\\x{code:x2}" : code <= 0xffff ? $"\\u{code:x4}" : $"\\U{code:x8}";
    }
}
