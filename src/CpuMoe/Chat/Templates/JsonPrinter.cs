using System.Globalization;
using System.Numerics;

namespace CpuMoe.Chat.Templates;

/// <summary>The filter <c>tojson</c> as transformers defines it: Python's <c>json.dumps</c> with its options.</summary>
internal sealed class JsonPrinter
{
    private readonly RenderContext _context;
    private readonly TextValueBuilder _output;
    private readonly bool _isAscii;
    private readonly bool _sortsKeys;
    private readonly TextValue? _indent;
    private readonly TextValue _itemSeparator;
    private readonly TextValue _keySeparator;

    private JsonPrinter(Value?[] options, RenderContext context)
    {
        _context = context;
        _output = new TextValueBuilder(context.Budget);
        _isAscii = options[0]?.IsTruthy ?? false;
        _sortsKeys = options[3]?.IsTruthy ?? false;
        _indent = options[1] switch
        {
            null or NoneValue => null,
            TextValue text => text,
            var value when Numbers.TryInteger(value, out BigInteger width) => TextValue.Trusted(new string(' ', (int)BigInteger.Clamp(width, 0, 100))),
            var value => throw context.Fault($"{value.Kind} cannot be an indentation"),
        };
        (_itemSeparator, _keySeparator) = options[2] switch
        {
            null or NoneValue => (TextValue.Trusted(_indent is null ? ", " : ","), TextValue.Trusted(": ")),
            ListValue { Items: [TextValue item, TextValue key] } => (item, key),
            _ => throw context.Fault("the separators are two strings"),
        };
    }

    /// <summary>Writes a value as JSON.</summary>
    /// <param name="value">The value.</param>
    /// <param name="options"><c>ensure_ascii</c>, <c>indent</c>, <c>separators</c>, <c>sort_keys</c>.</param>
    /// <param name="context">The rendering.</param>
    public static Value Print(Value value, Value?[] options, RenderContext context)
    {
        JsonPrinter printer = new(options, context);
        printer.Write(value, 0);
        return printer._output.ToValue();
    }

    private void Write(Value value, int depth)
    {
        _context.Budget.Enter(_context.Budget.Position);
        switch (value)
        {
            case TextValue text:
                WriteString(text);
                break;
            case ListValue list:
                WriteItems(list.Items, '[', ']', depth, item => Write(item, depth + 1));
                break;
            case MapValue map:
                IEnumerable<KeyValuePair<Value, Value>> entries = map.Entries;
                WriteItems(_sortsKeys ? [.. entries.OrderBy(entry => KeyOf(entry.Key).Text, StringComparer.Ordinal)] : map.Entries, '{', '}', depth, entry =>
                {
                    WriteString(KeyOf(entry.Key));
                    _output.Append(_keySeparator);
                    Write(entry.Value, depth + 1);
                });
                break;
            default:
                _output.AppendTrusted(Scalar(value));
                break;
        }

        _context.Budget.Leave();
    }

    private void WriteItems<T>(IReadOnlyList<T> items, char open, char close, int depth, Action<T> write)
    {
        _output.AppendTrusted([open]);
        for (int i = 0; i < items.Count; i++)
        {
            _output.Append(i > 0 ? _itemSeparator : TextValue.Empty);
            WriteLineBreak(depth + 1);
            write(items[i]);
        }

        if (items.Count > 0)
        {
            WriteLineBreak(depth);
        }

        _output.AppendTrusted([close]);
    }

    private void WriteLineBreak(int depth)
    {
        if (_indent is not null)
        {
            _output.AppendTrusted("\n");
            for (int i = 0; i < depth; i++)
            {
                _output.Append(_indent);
            }
        }
    }

    private TextValue KeyOf(Value key) => key as TextValue ?? TextValue.Trusted(Scalar(key));

    private string Scalar(Value value) => value switch
    {
        NoneValue => "null",
        BooleanValue => value.IsTruthy ? "true" : "false",
        IntegerValue integer => integer.Number.ToString(CultureInfo.InvariantCulture),
        FloatValue { Number: var number } => double.IsFinite(number) ? Numbers.Format(number) : double.IsNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity",
        UndefinedValue undefined => throw _context.Fault($"'{undefined.Name}' is undefined and cannot be written as JSON"),
        _ => throw _context.Fault($"{value.Kind} cannot be written as JSON"),
    };

    private void WriteString(TextValue value)
    {
        string text = value.Text;
        _output.AppendTrusted("\"");
        int plain = 0;
        for (int at = 0; at < text.Length; at++)
        {
            if (Escape(text[at]) is { } escape)
            {
                _output.Append(value, plain, at - plain);
                _output.AppendTrusted(escape);
                plain = at + 1;
            }
        }

        _output.Append(value, plain, text.Length - plain);
        _output.AppendTrusted("\"");
    }

    private string? Escape(char c) => c switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\f' => "\\f",
        '\b' => "\\b",
        < ' ' => $"\\u{(int)c:x4}",
        > '\x7f' when _isAscii => $"\\u{(int)c:x4}",
        _ => null,
    };
}
