using System.Numerics;

namespace CpuMoe.Chat.Templates;

/// <summary>The filters of texts; what is no text is printed first.</summary>
internal static class TextFilters
{
    /// <summary>Adds the filters to a table.</summary>
    public static void AddTo(FunctionTable table)
    {
        table.Add("trim", 0, ["chars"], (self, values, context) =>
            TextMethods.Strip(Printing.ToText(self, context), values[0], atStart: true, atEnd: true, context));
        Add("upper", (text, context) => text.With(text.Text.ToUpperInvariant(), context.Budget));
        Add("lower", (text, context) => text.With(text.Text.ToLowerInvariant(), context.Budget));
        Add("capitalize", TextMethods.Capitalize);
        Add("title", TextMethods.Title);
        Add("wordcount", (text, context) => new IntegerValue(Splitting.Split(text, null, int.MaxValue, context).Items.Count));
        Add("escape", Escape);
        table.AddAlias("e", "escape");
        table.Add("replace", 2, ["old", "new", "count"], (self, values, context) => TextMethods.Replace(
            Printing.ToText(self, context),
            Printing.ToText(values[0]!, context),
            Printing.ToText(values[1]!, context),
            values[2] is null or NoneValue ? int.MaxValue : Number(values[2], 0, context),
            context));
        table.Add("indent", 0, ["width", "first", "blank"], Indent);
        table.Add("truncate", 0, ["length", "killwords", "end", "leeway"], Truncate);

        void Add(string name, Func<TextValue, RenderContext, Value> filter) =>
            table.Add(name, (self, context) => filter(Printing.ToText(self, context), context));
    }

    /// <summary>Puts blanks before every line but the first.</summary>
    private static TextValue Indent(Value self, Value?[] values, RenderContext context)
    {
        TextValue text = Printing.ToText(self, context);
        TextValue margin = values[0] as TextValue ?? Blanks(Number(values[0], 4, context), context);
        bool indentsFirst = values[1]?.IsTruthy ?? false, indentsBlank = values[2]?.IsTruthy ?? false;
        TextValueBuilder result = new(context.Budget);
        int index = 0;
        foreach (TextValue line in Splitting.Lines(text, keepEnds: true, context).Items.Cast<TextValue>())
        {
            bool isBlank = line.Text.AsSpan().TrimEnd("\r\n").IsEmpty;
            if (index++ == 0 ? indentsFirst : indentsBlank || !isBlank)
            {
                result.Append(margin);
            }

            result.Append(line);
        }

        return result.ToValue();
    }

    /// <summary>Cuts a long text, at the end of a word unless <c>killwords</c>.</summary>
    private static TextValue Truncate(Value self, Value?[] values, RenderContext context)
    {
        TextValue text = Printing.ToText(self, context);
        int length = Number(values[0], 255, context), leeway = Number(values[3], 5, context);
        TextValue end = values[2] as TextValue ?? TextValue.Trusted("...");
        if (text.Count(context.Budget) <= (long)length + leeway)
        {
            return text;
        }

        int kept = Math.Max(0, length - end.Count(context.Budget)!.Value);
        TextValue cut = text.Slice(0, text.IndexOf(kept, context.Budget), context.Budget);
        int word = values[1]?.IsTruthy ?? false ? -1 : cut.Text.LastIndexOf(' ');
        TextValueBuilder result = new(context.Budget);
        result.Append(cut, 0, word >= 0 ? word : cut.Text.Length);
        result.Append(end);
        return result.ToValue();
    }

    /// <summary>Writes characters with a meaning in HTML as entities.</summary>
    private static TextValue Escape(TextValue text, RenderContext context)
    {
        foreach ((string character, string entity) in ((string, string)[])[("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("'", "&#39;"), ("\"", "&#34;")])
        {
            text = TextMethods.Replace(text, TextValue.Trusted(character), TextValue.Trusted(entity), int.MaxValue, context);
        }

        return text;
    }

    private static TextValue Blanks(int count, RenderContext context)
    {
        context.Budget.AllocateText(count);
        return TextValue.Trusted(new string(' ', count));
    }

    private static int Number(Value? value, int absent, RenderContext context)
    {
        BigInteger number = absent;
        return value is null || Numbers.TryInteger(value, out number)
            ? (int)BigInteger.Clamp(number, 0, context.Budget.OutputLength)
            : throw context.Fault($"a number is expected, not {value.Kind}");
    }
}
