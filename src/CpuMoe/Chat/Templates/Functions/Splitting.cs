using System.Buffers;

namespace CpuMoe.Chat.Templates;

/// <summary>The methods that take strings apart.</summary>
internal static class Splitting
{
    private static readonly SearchValues<char> LineBreaks = SearchValues.Create("\n\r\v\f\u001c\u001d\u001e\u0085\u2028\u2029");

    /// <summary>Splits at a separator, at most <paramref name="count"/> times; without one at runs of white space.</summary>
    public static ListValue Split(TextValue value, Value? separator, int count, RenderContext context)
    {
        if (separator is null or NoneValue)
        {
            return SplitAtSpace(value, count, context);
        }

        string pattern = Pattern(value, separator, context);
        List<Value> pieces = [];
        int start = 0;
        for (; count > 0; count--)
        {
            int at = value.Text.IndexOf(pattern, start, StringComparison.Ordinal);
            if (at < 0)
            {
                break;
            }

            Add(pieces, value, start, at, context);
            start = at + pattern.Length;
        }

        Add(pieces, value, start, value.Text.Length, context);
        return new ListValue(pieces);
    }

    /// <summary>Splits at a separator from the end, at most <paramref name="count"/> times.</summary>
    public static ListValue SplitFromEnd(TextValue value, Value? separator, int count, RenderContext context)
    {
        if (separator is null or NoneValue)
        {
            return count == int.MaxValue ? SplitAtSpace(value, count, context)
                : throw context.Fault("rsplit() with a maximum needs a separator");
        }

        string pattern = Pattern(value, separator, context);
        List<Value> pieces = [];
        int end = value.Text.Length;
        for (; count > 0; count--)
        {
            int at = value.Text.AsSpan(0, end).LastIndexOf(pattern, StringComparison.Ordinal);
            if (at < 0)
            {
                break;
            }

            Add(pieces, value, at + pattern.Length, end, context);
            end = at;
        }

        Add(pieces, value, 0, end, context);
        pieces.Reverse();
        return new ListValue(pieces);
    }

    /// <summary>Splits at line breaks.</summary>
    public static ListValue Lines(TextValue value, bool keepEnds, RenderContext context)
    {
        string text = value.Text;
        context.Budget.Scan(text.Length);
        List<Value> lines = [];
        int start = 0;
        while (start < text.Length)
        {
            int end = text.AsSpan(start).IndexOfAny(LineBreaks);
            end = end < 0 ? text.Length : start + end;
            int next = end == text.Length ? end : end + (text.AsSpan(end).StartsWith("\r\n", StringComparison.Ordinal) ? 2 : 1);
            Add(lines, value, start, keepEnds ? next : end, context);
            start = next;
        }

        return new ListValue(lines);
    }

    private static ListValue SplitAtSpace(TextValue value, int count, RenderContext context)
    {
        string text = value.Text;
        context.Budget.Scan(text.Length);
        List<Value> pieces = [];
        int start = SkipSpace(0);
        while (start < text.Length)
        {
            int end = count > 0 ? start : text.Length;
            while (end < text.Length && !PythonText.IsSpace(text[end]))
            {
                end++;
            }

            Add(pieces, value, start, end, context);
            start = SkipSpace(end);
            count--;
        }

        return new ListValue(pieces);

        int SkipSpace(int at)
        {
            while (at < text.Length && PythonText.IsSpace(text[at]))
            {
                at++;
            }

            return at;
        }
    }

    private static string Pattern(TextValue value, Value separator, RenderContext context)
    {
        string pattern = TextMethods.TextOf(separator, context);
        context.Budget.Scan(value.Text.Length, pattern.Length);
        return pattern.Length > 0 ? pattern : throw context.Fault("the separator is empty");
    }

    private static void Add(List<Value> pieces, TextValue value, int start, int end, RenderContext context)
    {
        context.Budget.Step();
        context.Budget.AllocateEntries(1);
        pieces.Add(value.Slice(start, end - start, context.Budget));
    }
}
