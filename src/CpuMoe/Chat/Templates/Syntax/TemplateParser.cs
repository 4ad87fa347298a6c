namespace CpuMoe.Chat.Templates;

/// <summary>Reads a template into a tree.</summary>
internal sealed class TemplateParser
{
    private readonly LexemeReader _reader;
    private readonly ExpressionParser _expressions;
    private int _loops;

    private TemplateParser(List<Lexeme> lexemes)
    {
        _reader = new LexemeReader(lexemes);
        _expressions = new ExpressionParser(_reader);
    }

    /// <summary>Reads a source.</summary>
    /// <param name="source">The source.</param>
    /// <param name="variables">The names of the variables that it reads, its own among them.</param>
    /// <exception cref="ChatTemplateException">It is not a template, or uses what chat templates do not.</exception>
    public static Block Parse(string source, out IReadOnlySet<string> variables)
    {
        TemplateParser parser = new(TemplateLexer.Read(source));
        Block block = parser.ParseBlock();
        variables = parser._expressions.Variables;
        return parser._reader.Next.Kind == LexemeKind.End ? block
            : throw parser._reader.Fault($"'{parser._reader.AfterNext.Text}' closes nothing");
    }

    /// <summary>Reads statements up to the end, or up to a tag that begins with one of the keywords.</summary>
    private Block ParseBlock(params ReadOnlySpan<string> ends)
    {
        SourcePosition position = _reader.Next.Position;
        List<Statement> statements = [];
        _reader.Enter();
        while (true)
        {
            Lexeme next = _reader.Next;
            if (next.Kind == LexemeKind.End || (next.Kind == LexemeKind.StatementBegin && IsEnd(_reader.AfterNext)))
            {
                break;
            }

            _reader.Read();
            switch (next.Kind)
            {
                case LexemeKind.Text:
                    statements.Add(new TextOutput(next.Text, next.Position));
                    break;
                case LexemeKind.OutputBegin:
                    statements.Add(new ValueOutput(_expressions.ParseTuple(), next.Position));
                    _reader.Expect(LexemeKind.OutputEnd, "'}}'");
                    break;
                default:
                    statements.Add(ParseStatement(next.Position));
                    break;
            }
        }

        _reader.Leave();
        if (ends.Length > 0 && !(_reader.Next.Kind == LexemeKind.StatementBegin && ends.Contains(_reader.AfterNext.Text)))
        {
            throw _reader.Unexpected(string.Join(" or ", ends.ToArray().Select(end => $"'{{% {end} %}}'")));
        }

        return new Block(statements, position);
    }

    private static bool IsEnd(Lexeme keyword) =>
        keyword.Text is "else" or "elif" || keyword.Text.StartsWith("end", StringComparison.Ordinal);

    private Statement ParseStatement(SourcePosition position)
    {
        Lexeme keyword = _reader.Expect(LexemeKind.Name, "the name of a statement");
        switch (keyword.Text)
        {
            case "if":
                return ParseIf(position);
            case "for":
                return ParseFor(position);
            case "set":
                return ParseSet(position);
            case "macro":
                return ParseMacro(position);
            case "call":
                return ParseCallBlock(position);
            case "filter":
                return ParseFilterBlock(position);
            case "generation":
                // Marks what the model wrote, for training.
                CloseTag();
                Block generation = ParseBlock("endgeneration");
                SkipEnd();
                return generation;
            case "break" or "continue" when _loops > 0:
                CloseTag();
                return new Jump(keyword.Text == "break" ? Flow.Break : Flow.Continue, position);
            case "break" or "continue":
                throw new ChatTemplateException($"'{keyword.Text}' stands outside of a loop", keyword.Position);
            case "include" or "import" or "from" or "extends" or "block":
                throw new ChatTemplateException($"'{keyword.Text}' needs other templates, and a chat template stands alone", keyword.Position);
            default:
                throw new ChatTemplateException($"there is no statement '{keyword.Text}'", keyword.Position);
        }
    }

    private If ParseIf(SourcePosition position)
    {
        List<(Expression? Condition, Block Body)> branches = [];
        Expression? condition = _expressions.ParseTuple();
        while (true)
        {
            CloseTag();
            bool isElse = condition is null;
            branches.Add((condition, isElse ? ParseBlock("endif") : ParseBlock("elif", "else", "endif")));
            _reader.Read();
            switch (_reader.Read().Text)
            {
                case "elif":
                    condition = _expressions.ParseTuple();
                    break;
                case "else":
                    condition = null;
                    break;
                default:
                    CloseTag();
                    return new If(branches, position);
            }
        }
    }

    private For ParseFor(SourcePosition position)
    {
        Target target = ParseTargets();
        if (!_reader.SkipKeyword("in"))
        {
            throw _reader.Unexpected("'in'");
        }

        Expression items = _expressions.ParseTuple(allowConditional: false);
        Expression? condition = _reader.SkipKeyword("if") ? _expressions.Parse() : null;
        CloseTag();
        _loops++;
        Block body = ParseBlock("else", "endfor");
        _loops--;
        Block? otherwise = null;
        if (_reader.AfterNext.Text == "else")
        {
            SkipEnd();
            otherwise = ParseBlock("endfor");
        }

        SkipEnd();
        return new For(target, items, condition, body, otherwise, position);
    }

    private Set ParseSet(SourcePosition position)
    {
        Target target = ParseTargets();
        if (_reader.SkipOperator("="))
        {
            Expression value = _expressions.ParseTuple();
            CloseTag();
            return new Set(target, value, position);
        }

        return new Set(target, ParseCaptured(position, "endset"), position);
    }

    private ValueOutput ParseFilterBlock(SourcePosition position)
    {
        CapturedBlock captured = new(position);
        Expression value = ParseFilters(_expressions.ParseFilter(captured));
        FinishCaptured(captured, "endfilter");
        return new ValueOutput(value, position);
    }

    private Expression ParseCaptured(SourcePosition position, string end)
    {
        CapturedBlock captured = new(position);
        Expression value = ParseFilters(captured);
        FinishCaptured(captured, end);
        return value;
    }

    private Expression ParseFilters(Expression value)
    {
        for (int length = 0; _reader.IsOperator("|"); length++)
        {
            _expressions.CheckChain(length);
            _reader.Read();
            value = _expressions.ParseFilter(value);
        }

        return value;
    }

    private void FinishCaptured(CapturedBlock captured, string end)
    {
        CloseTag();
        captured.Body = ParseBlock(end);
        SkipEnd();
    }

    private Macro ParseMacro(SourcePosition position)
    {
        string name = _reader.Expect(LexemeKind.Name, "the name of the macro").Text;
        return ParseMacroBody(name, ParseParameters(), "endmacro", position);
    }

    private CallBlock ParseCallBlock(SourcePosition position)
    {
        List<KeyValuePair<string, Expression?>> parameters = _reader.IsOperator("(") ? ParseParameters() : [];
        Call call = _expressions.ParseOperand() as Call ?? throw _reader.Unexpected("the call of a macro");
        return new CallBlock(call, ParseMacroBody(Macro.Caller, parameters, "endcall", position), position);
    }

    private List<KeyValuePair<string, Expression?>> ParseParameters()
    {
        List<KeyValuePair<string, Expression?>> parameters = [];
        _reader.ExpectOperator("(");
        while (!_reader.SkipOperator(")"))
        {
            Lexeme name = _reader.Expect(LexemeKind.Name, "the name of a parameter");
            if (name.Text == Macro.Caller || parameters.Any(other => other.Key == name.Text))
            {
                throw new ChatTemplateException($"the name '{name.Text}' is taken already", name.Position);
            }

            parameters.Add(new(name.Text, _reader.SkipOperator("=") ? _expressions.Parse() : null));
            if (!_reader.IsOperator(")"))
            {
                _reader.ExpectOperator(",");
            }
        }

        return parameters;
    }

    private Macro ParseMacroBody(string name, List<KeyValuePair<string, Expression?>> parameters, string end, SourcePosition position)
    {
        CloseTag();
        int loops = _loops;
        _loops = 0;
        Block body = ParseBlock(end);
        _loops = loops;
        SkipEnd();
        return new Macro(name, parameters, body, position);
    }

    /// <summary>Reads <c>a</c>, <c>a.b</c>, <c>a, b</c> or <c>(a, b)</c>.</summary>
    private Target ParseTargets()
    {
        Target first = ParseTarget();
        if (!_reader.IsOperator(","))
        {
            return first;
        }

        List<Target> targets = [first];
        while (_reader.SkipOperator(",") && !_reader.IsKeyword("in") && !_reader.IsOperator("=") && !_reader.IsOperator(")"))
        {
            targets.Add(ParseTarget());
        }

        return new TupleTarget(targets);
    }

    private Target ParseTarget()
    {
        if (_reader.SkipOperator("("))
        {
            _reader.Enter();
            Target target = ParseTargets();
            _reader.Leave();
            _reader.ExpectOperator(")");
            return target;
        }

        string name = _reader.Expect(LexemeKind.Name, "the name of a variable").Text;
        return _reader.SkipOperator(".")
            ? new MemberTarget(name, _reader.Expect(LexemeKind.Name, "the name of a member").Text)
            : new VariableTarget(name);
    }

    /// <summary>Reads the tag that ends a block.</summary>
    private void SkipEnd()
    {
        _reader.Read();
        _reader.Read();
        CloseTag();
    }

    private void CloseTag() => _reader.Expect(LexemeKind.StatementEnd, "'%}'");
}
