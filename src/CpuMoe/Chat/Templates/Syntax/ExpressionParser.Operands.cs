using System.Globalization;
using System.Numerics;
using System.Text;

namespace CpuMoe.Chat.Templates;

// The operands: literals, names, and what follows them (members, calls, filters, tests).
internal sealed partial class ExpressionParser
{
    /// <summary>The most digits of an integer.</summary>
    private const int MaxDigits = 1000;

    /// <summary>Reads a filter with its arguments, without the <c>|</c>.</summary>
    public FilterCall ParseFilter(Expression target)
    {
        Lexeme name = reader.Expect(LexemeKind.Name, "the name of a filter");
        ArgumentList arguments = reader.IsOperator("(") ? ParseArguments() : ArgumentList.None;
        TemplateFunction filter = Filters.Table.TryGet(name.Text, out TemplateFunction? found) ? found
            : (_, _, context) => throw context.Fault($"there is no filter '{name.Text}'");
        return new FilterCall(target, filter, arguments, name.Position);
    }

    /// <summary>Reads arguments with their parentheses.</summary>
    public ArgumentList ParseArguments()
    {
        List<Expression> positional = [];
        List<KeyValuePair<string, Expression>> named = [];
        reader.ExpectOperator("(");
        while (!reader.SkipOperator(")"))
        {
            if (reader.Next.Kind == LexemeKind.Name && reader.AfterNext is { Kind: LexemeKind.Operator, Text: "=" })
            {
                string name = reader.Read().Text;
                reader.Read();
                named.Add(new(name, Parse()));
            }
            else
            {
                positional.Add(named.Count == 0 ? Parse() : throw reader.Fault("an argument without a name follows one with a name"));
            }

            if (!reader.IsOperator(")"))
            {
                reader.ExpectOperator(",");
            }
        }

        return new ArgumentList(positional, named);
    }

    /// <summary>Reads an operand with its members and calls, but no filters.</summary>
    public Expression ParseOperand() => ParsePostfixes(ParsePrimary());

    private Expression ParsePrimary()
    {
        SourcePosition position = reader.Next.Position;
        switch (reader.Next.Kind)
        {
            case LexemeKind.Name:
                return ParseName();
            case LexemeKind.String:
                return ParseString();
            case LexemeKind.Integer when reader.Next.Text.Length <= MaxDigits:
                return new Literal(new IntegerValue(BigInteger.Parse(reader.Read().Text, CultureInfo.InvariantCulture)), position);
            case LexemeKind.Float:
                return new Literal(new FloatValue(double.Parse(reader.Read().Text, CultureInfo.InvariantCulture)), position);
            case LexemeKind.Operator when reader.SkipOperator("("):
                return ParseParentheses(position);
            case LexemeKind.Operator when reader.SkipOperator("["):
                return new ListDisplay(ParseItems("]"), isTuple: false, position);
            case LexemeKind.Operator when reader.SkipOperator("{"):
                return ParseMap(position);
            default:
                throw reader.Unexpected("a value");
        }
    }

    private Expression ParseName()
    {
        Lexeme name = reader.Next;
        Expression expression = name.Text switch
        {
            "true" or "True" => new Literal(BooleanValue.True, name.Position),
            "false" or "False" => new Literal(BooleanValue.False, name.Position),
            "none" or "None" => new Literal(NoneValue.Instance, name.Position),
            "and" or "or" or "not" or "if" or "else" or "in" or "is" => throw reader.Unexpected("a value"),
            _ => new Variable(name.Text, name.Position),
        };
        if (expression is Variable)
        {
            Variables.Add(name.Text);
        }

        reader.Read();
        return expression;
    }

    private Literal ParseString()
    {
        SourcePosition position = reader.Next.Position;
        StringBuilder text = new();
        while (reader.Next.Kind == LexemeKind.String)
        {
            text.Append(reader.Read().Text);
        }

        return new Literal(TextValue.Trusted(text.ToString()), position);
    }

    private Expression ParseParentheses(SourcePosition position)
    {
        if (reader.SkipOperator(")"))
        {
            return new ListDisplay([], isTuple: true, position);
        }

        Expression first = Parse();
        if (reader.SkipOperator(")"))
        {
            return first;
        }

        reader.ExpectOperator(",");
        return new ListDisplay([first, .. ParseItems(")")], isTuple: true, position);
    }

    private List<Expression> ParseItems(string end)
    {
        List<Expression> items = [];
        while (!reader.SkipOperator(end))
        {
            items.Add(Parse());
            if (!reader.IsOperator(end))
            {
                reader.ExpectOperator(",");
            }
        }

        return items;
    }

    private MapDisplay ParseMap(SourcePosition position)
    {
        List<KeyValuePair<Expression, Expression>> entries = [];
        while (!reader.SkipOperator("}"))
        {
            Expression key = Parse();
            reader.ExpectOperator(":");
            entries.Add(new(key, Parse()));
            if (!reader.IsOperator("}"))
            {
                reader.ExpectOperator(",");
            }
        }

        return new MapDisplay(entries, position);
    }

    private Expression ParsePostfixes(Expression value)
    {
        for (int length = 0; reader.Next is { Kind: LexemeKind.Operator, Text: "." or "[" or "(" }; length++)
        {
            CheckChain(length);
            SourcePosition position = reader.Next.Position;
            value = reader.IsOperator("(") ? new Call(value, ParseArguments(), position)
                : reader.SkipOperator("[") ? ParseSubscript(value, position)
                : ParseMember(value);
        }

        return value;
    }

    private Expression ParseMember(Expression value)
    {
        reader.ExpectOperator(".");
        Lexeme name = reader.Next;
        return name.Kind == LexemeKind.Integer
            ? new Subscript(value, ParsePrimary(), name.Position)
            : new MemberAccess(value, reader.Expect(LexemeKind.Name, "the name of a member").Text, name.Position);
    }

    private Expression ParseSubscript(Expression value, SourcePosition position)
    {
        Expression? start = reader.IsOperator(":") ? null : Parse();
        if (start is not null && reader.SkipOperator("]"))
        {
            return new Subscript(value, start, position);
        }

        reader.ExpectOperator(":");
        Expression? stop = reader.IsOperator(":") || reader.IsOperator("]") ? null : Parse();
        Expression? step = reader.SkipOperator(":") && !reader.IsOperator("]") ? Parse() : null;
        reader.ExpectOperator("]");
        return new Slice(value, start, stop, step, position);
    }

    private Expression ParseFiltersAndTests(Expression value)
    {
        for (int length = 0; ; length++)
        {
            CheckChain(length);
            SourcePosition position = reader.Next.Position;
            if (reader.SkipOperator("|"))
            {
                value = ParseFilter(value);
            }
            else if (reader.SkipKeyword("is"))
            {
                value = ParseTest(value);
            }
            else if (reader.IsOperator("("))
            {
                value = new Call(value, ParseArguments(), position);
            }
            else
            {
                return value;
            }
        }
    }

    private TestCall ParseTest(Expression value)
    {
        bool isNegated = reader.SkipKeyword("not");
        Lexeme name = reader.Expect(LexemeKind.Name, "the name of a test");
        ArgumentList arguments = reader.IsOperator("(") ? ParseArguments()
            : BeginsTestArgument(reader.Next) ? new ArgumentList([ParseOperand()], [])
            : ArgumentList.None;
        TemplateFunction test = Tests.Table.TryGet(name.Text, out TemplateFunction? found) ? found
            : (_, _, context) => throw context.Fault($"there is no test '{name.Text}'");
        return new TestCall(value, test, arguments, isNegated, name.Position);
    }

    /// <summary>Whether a lexeme is the argument of a test that is written without parentheses.</summary>
    private static bool BeginsTestArgument(Lexeme lexeme) => lexeme.Kind switch
    {
        LexemeKind.Name => lexeme.Text is not ("and" or "or" or "not" or "if" or "else" or "in" or "is"),
        LexemeKind.String or LexemeKind.Integer or LexemeKind.Float => true,
        LexemeKind.Operator => lexeme.Text is "[" or "{",
        _ => false,
    };
}
