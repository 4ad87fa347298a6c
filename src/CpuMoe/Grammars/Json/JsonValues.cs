using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace CpuMoe.Grammars.Json;

/// <summary>The grammar of JSON (RFC 8259), bounded where a weak model would not come to an end.</summary>
internal sealed class JsonValues
{
    /// <summary>How deep rules, and with them objects and arrays, are nested; parsers commonly stop at 64.</summary>
    public const int MaxDepth = 48;

    /// <summary>The digits of numbers before the point: what a double holds exactly.</summary>
    public const int MaxDigits = 15;

    private const int MaxIndent = 32;

    // What a string holds only in the form of an escape: quotation mark, backslash, control characters.
    private static readonly CodePointSet Escaped = CodePointSet.Of((0, 0x1F), ('"', '"'), ('\\', '\\'));

    private static readonly (char Character, string Escape)[] ShortEscapes =
        [('"', "\\\""), ('\\', "\\\\"), ('\b', "\\b"), ('\f', "\\f"), ('\n', "\\n"), ('\r', "\\r"), ('\t', "\\t")];

    private static readonly JsonWriterOptions AsIs = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly CodePointSet _escaped;

    /// <summary>Adds the rules of JSON values to a grammar.</summary>
    /// <param name="rules">The grammar.</param>
    /// <param name="withoutTags">Whether no string contains <c>&lt;/</c>, for JSON between tags.</param>
    public JsonValues(GrammarRules rules, bool withoutTags)
    {
        _escaped = withoutTags ? Escaped.Union(CodePointSet.Of("<")) : Escaped;
        Space = rules.Add("space", Expression.Choice(
            Expression.Empty, Expression.Literal(" "), Expression.Sequence(Expression.Literal("\n"), Expression.Repeat(Utf8.OneOf(CodePointSet.Of(" \t")), 0, MaxIndent))));
        Character = rules.Add("character", Expression.Choice(Utf8.OneOf(_escaped.Complement()), AnyEscape()));
        Text = rules.Add("string", Quoted(withoutTags ? BetweenTags() : Expression.Repeat(Character, 0)));
        Expression digits = Expression.Sequence(Digit(1), Expression.Repeat(Digit(0), 0, MaxDigits - 1));
        Integer = rules.Add("integer", Expression.Choice(Expression.Literal("0"), Expression.Sequence(Expression.Optional(Expression.Literal("-")), digits)));
        Number = rules.Add("number", Expression.Sequence(
            Expression.Optional(Expression.Literal("-")),
            Expression.Choice(Expression.Literal("0"), digits),
            Expression.Optional(Expression.Sequence(Expression.Literal("."), Expression.Repeat(Digit(0), 1, MaxDigits))),
            Expression.Optional(Expression.Sequence(
                Expression.Choice(Expression.Literal("e"), Expression.Literal("E")),
                Expression.Choice(Expression.Empty, Expression.Literal("+"), Expression.Literal("-")),
                Expression.Repeat(Digit(0), 1, 2)))));
        RuleExpression value = rules.Declare("value");
        Value = value;
        Object = Expression.Sequence(Expression.Literal("{"), Space, Expression.Optional(List(Member(Text, Value), Space)), Expression.Literal("}"));
        Expression array = Expression.Sequence(Expression.Literal("["), Space, Expression.Optional(List(Value, Space)), Expression.Literal("]"));
        rules.Define(value, Expression.Choice(
            Object, array, Text, Number, Expression.Literal("true"), Expression.Literal("false"), Expression.Literal("null")));
    }

    /// <summary>White space between two parts: none, a space, or a line break and an indent.</summary>
    public Expression Space { get; }

    /// <summary>One character of a string, plain or as an escape.</summary>
    public Expression Character { get; }

    /// <summary>Any string.</summary>
    public Expression Text { get; }

    /// <summary>Any number.</summary>
    public Expression Number { get; }

    /// <summary>Any number without point and exponent.</summary>
    public Expression Integer { get; }

    /// <summary>Any value.</summary>
    public Expression Value { get; }

    /// <summary>Any object.</summary>
    public Expression Object { get; }

    /// <summary>The grammar of any object.</summary>
    public static Grammar ObjectGrammar()
    {
        GrammarRules rules = new();
        return new Grammar(rules, rules.Add("root", new JsonValues(rules, withoutTags: false).Object), MaxDepth);
    }

    /// <summary>A digit from <paramref name="first"/> to <paramref name="last"/>.</summary>
    public static Expression Digit(int first, int last = 9) => Expression.Byte('0' + first, '0' + last);

    /// <summary>The comma after an element and the space after it.</summary>
    public Expression Comma => Expression.Sequence(Expression.Literal(","), Space);

    /// <summary>A name and its value.</summary>
    public Expression Member(Expression name, Expression value) => Expression.Sequence(name, Expression.Literal(":"), Space, value);

    /// <summary>A string of the given characters.</summary>
    public static Expression Quoted(Expression characters) => Expression.Sequence(Expression.Literal("\""), characters, Expression.Literal("\""));

    /// <summary>One character of a set, plain or, where it must, as an escape.</summary>
    public Expression OneOf(CodePointSet set)
    {
        List<Expression> choices = [Utf8.OneOf(set.Except(_escaped))];
        foreach ((int first, int last) in set.Except(set.Except(_escaped)).Ranges)
        {
            for (int character = first; character <= last; character++)
            {
                choices.Add(Expression.Literal(
                    ShortEscapes.FirstOrDefault(escape => escape.Character == character).Escape
                    ?? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"\\u{character:x4}")));
            }
        }

        return Expression.Choice(choices);
    }

    /// <summary>The characters that stand for themselves in a string.</summary>
    public CodePointSet Plain => _escaped.Complement();

    /// <summary>A given value. Its parts are written in the usual order and form, with the white space of all values.</summary>
    public Expression Literal(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => Expression.Sequence(
            Expression.Literal("{"), Space, Joined(value.EnumerateObject().Select(member => Member(Name(member.Name), Literal(member.Value)))), Expression.Literal("}")),
        JsonValueKind.Array => Expression.Sequence(
            Expression.Literal("["), Space, Joined(value.EnumerateArray().Select(Literal)), Expression.Literal("]")),
        JsonValueKind.String => Name(value.GetString()!),
        _ => Expression.Literal(value.GetRawText()),
    };

    /// <summary>A given string.</summary>
    public Expression Name(string text)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream, AsIs))
        {
            writer.WriteStringValue(text);
        }

        string json = Encoding.UTF8.GetString(stream.ToArray());
        return Expression.Literal(_escaped.Contains('<') ? json.Replace("<", "\\u003c", StringComparison.Ordinal) : json);
    }

    /// <summary>One or more of the same, with commas, and the space after the last.</summary>
    private Expression List(Expression item, Expression after) => Expression.Sequence(item, Expression.Repeat(Expression.Sequence(Comma, item), 0), after);

    private Expression Joined(IEnumerable<Expression> items)
    {
        Expression[] parts = [.. items.SelectMany((item, i) => i == 0 ? [item] : (Expression[])[Comma, item])];
        return parts.Length == 0 ? Expression.Empty : Expression.Sequence([.. parts, Space]);
    }

    /// <summary>Any escape of one character: the short ones, and all code points by number, those beyond 16 bits as a surrogate pair.</summary>
    private static Expression AnyEscape()
    {
        Expression hex = Hex("0-9a-fA-F");
        return Expression.Sequence(Expression.Literal("\\"), Expression.Choice(
            Utf8.OneOf(CodePointSet.Of("\"\\/bfnrt")),
            Expression.Sequence(Expression.Literal("u"), Expression.Choice(
                Expression.Sequence(Hex("0-9a-ce-fA-CE-F"), hex, hex, hex),
                Expression.Sequence(Hex("dD"), Hex("0-7"), hex, hex),
                Expression.Sequence(Hex("dD"), Hex("89abAB"), hex, hex, Expression.Literal("\\u"), Hex("dD"), Hex("c-fC-F"), hex, hex)))));

        static Expression Hex(string characterClass) => Regex.RegexParser.Parse($"[{characterClass}]").ToExpression(Utf8.OneOf);
    }

    /// <summary>Characters of which none is a slash right after a less-than sign.</summary>
    private Expression BetweenTags()
    {
        Expression notSlash = Expression.Choice(Utf8.OneOf(Plain.Except(CodePointSet.Of("/"))), AnyEscape());
        Expression signs = Expression.Repeat(Expression.Literal("<"), 1);
        return Expression.Sequence(
            Expression.Repeat(Expression.Choice(Character, Expression.Sequence(signs, notSlash)), 0), Expression.Optional(signs));
    }
}
