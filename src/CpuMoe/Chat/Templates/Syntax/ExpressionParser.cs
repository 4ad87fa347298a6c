namespace CpuMoe.Chat.Templates;

/// <summary>Reads expressions: operators from the loosest to the tightest, each a method.</summary>
internal sealed partial class ExpressionParser(LexemeReader reader)
{
    /// <summary>The longest chain of equal operators; a chain is evaluated as deep as it is long.</summary>
    private const int MaxChain = 300;

    /// <summary>The names of the variables that were read.</summary>
    public HashSet<string> Variables { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads an expression.</summary>
    /// <exception cref="ChatTemplateException">There is none.</exception>
    public Expression Parse() => Parse(allowConditional: true);

    /// <summary>Reads an expression or, without brackets, a tuple.</summary>
    public Expression ParseTuple(bool allowConditional = true)
    {
        SourcePosition position = reader.Next.Position;
        Expression first = Parse(allowConditional);
        if (!reader.IsOperator(","))
        {
            return first;
        }

        List<Expression> items = [first];
        while (reader.SkipOperator(",") && reader.Next.Kind is not LexemeKind.StatementEnd and not LexemeKind.OutputEnd)
        {
            items.Add(Parse(allowConditional));
        }

        return new ListDisplay(items, isTuple: true, position);
    }

    private Expression Parse(bool allowConditional)
    {
        reader.Enter();
        Expression value = ParseOr();
        for (int length = 0; allowConditional && reader.IsKeyword("if"); length++)
        {
            SourcePosition position = NextInChain(length);
            Expression condition = ParseOr();
            Expression? otherwise = reader.SkipKeyword("else") ? Parse() : null;
            value = new Conditional(condition, value, otherwise, position);
        }

        reader.Leave();
        return value;
    }

    private Expression ParseOr()
    {
        Expression left = ParseAnd();
        for (int length = 0; reader.IsKeyword("or"); length++)
        {
            SourcePosition position = NextInChain(length);
            left = new Logical(left, isAnd: false, ParseAnd(), position);
        }

        return left;
    }

    private Expression ParseAnd()
    {
        Expression left = ParseNot();
        for (int length = 0; reader.IsKeyword("and"); length++)
        {
            SourcePosition position = NextInChain(length);
            left = new Logical(left, isAnd: true, ParseNot(), position);
        }

        return left;
    }

    private Expression ParseNot()
    {
        if (!reader.IsKeyword("not"))
        {
            return ParseComparison();
        }

        reader.Enter();
        SourcePosition position = reader.Read().Position;
        Expression negated = new Not(ParseNot(), position);
        reader.Leave();
        return negated;
    }

    private Expression ParseComparison()
    {
        Expression first = ParseSum();
        SourcePosition position = reader.Next.Position;
        List<(string Sign, Expression Operand)> rest = [];
        while (ReadComparisonSign() is { } sign)
        {
            rest.Add((sign, ParseSum()));
        }

        return rest.Count == 0 ? first : new Comparison(first, rest, position);
    }

    private string? ReadComparisonSign()
    {
        if (reader.Next is { Kind: LexemeKind.Operator, Text: "==" or "!=" or "<" or "<=" or ">" or ">=" })
        {
            return reader.Read().Text;
        }

        if (reader.IsKeyword("not") && reader.AfterNext is { Kind: LexemeKind.Name, Text: "in" })
        {
            reader.Read();
            reader.Read();
            return "not in";
        }

        return reader.SkipKeyword("in") ? "in" : null;
    }

    private Expression ParseSum() => ParseChain(ParseConcatenation, "+", "-");

    private Expression ParseConcatenation()
    {
        Expression first = ParseProduct();
        if (!reader.IsOperator("~"))
        {
            return first;
        }

        SourcePosition position = reader.Next.Position;
        List<Expression> parts = [first];
        while (reader.SkipOperator("~"))
        {
            parts.Add(ParseProduct());
        }

        return new Concatenation(parts, position);
    }

    private Expression ParseProduct() => ParseChain(ParsePower, "*", "/", "//", "%");

    private Expression ParsePower() => ParseChain(() => ParseSigned(withFilters: true), "**");

    private Expression ParseSigned(bool withFilters)
    {
        Expression value;
        if (reader.IsOperator("-") || reader.IsOperator("+"))
        {
            reader.Enter();
            Lexeme sign = reader.Read();
            value = new Signed(sign.Text == "-", ParseSigned(withFilters: false), sign.Position);
            reader.Leave();
        }
        else
        {
            value = ParsePrimary();
        }

        value = ParsePostfixes(value);
        return withFilters ? ParseFiltersAndTests(value) : value;
    }

    private Expression ParseChain(Func<Expression> operand, params ReadOnlySpan<string> signs)
    {
        Expression left = operand();
        for (int length = 0; reader.Next.Kind == LexemeKind.Operator && signs.Contains(reader.Next.Text); length++)
        {
            string sign = reader.Next.Text;
            SourcePosition position = NextInChain(length);
            left = new Binary(left, sign, operand(), position);
        }

        return left;
    }

    /// <summary>Refuses a chain that is too long.</summary>
    public void CheckChain(int length)
    {
        if (length >= MaxChain)
        {
            throw reader.Fault($"more than {MaxChain} operators follow one another");
        }
    }

    private SourcePosition NextInChain(int length)
    {
        CheckChain(length);
        return reader.Read().Position;
    }
}
