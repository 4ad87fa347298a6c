namespace CpuMoe.Chat.Templates;

/// <summary>Goes through the lexemes of a template.</summary>
internal sealed class LexemeReader(List<Lexeme> lexemes)
{
    private int _at;
    private int _depth;

    /// <summary>The lexeme to be read next.</summary>
    public Lexeme Next => lexemes[_at];

    /// <summary>The lexeme after <see cref="Next"/>.</summary>
    public Lexeme AfterNext => lexemes[Math.Min(_at + 1, lexemes.Count - 1)];

    /// <summary>Reads the next lexeme.</summary>
    public Lexeme Read()
    {
        Lexeme lexeme = Next;
        _at += lexeme.Kind == LexemeKind.End ? 0 : 1;
        return lexeme;
    }

    /// <summary>Whether an operator comes next.</summary>
    public bool IsOperator(string text) => Next.Kind == LexemeKind.Operator && Next.Text == text;

    /// <summary>Whether a keyword comes next.</summary>
    public bool IsKeyword(string text) => Next.Kind == LexemeKind.Name && Next.Text == text;

    /// <summary>Reads an operator if it comes next.</summary>
    public bool SkipOperator(string text)
    {
        bool isNext = IsOperator(text);
        _at += isNext ? 1 : 0;
        return isNext;
    }

    /// <summary>Reads a keyword if it comes next.</summary>
    public bool SkipKeyword(string text)
    {
        bool isNext = IsKeyword(text);
        _at += isNext ? 1 : 0;
        return isNext;
    }

    /// <summary>Reads an operator that must come next.</summary>
    public void ExpectOperator(string text)
    {
        if (!SkipOperator(text))
        {
            throw Unexpected($"'{text}'");
        }
    }

    /// <summary>Reads a lexeme of a kind that must come next.</summary>
    public Lexeme Expect(LexemeKind kind, string what) => Next.Kind == kind ? Read() : throw Unexpected(what);

    /// <summary>Goes one level deeper; <see cref="Leave"/> comes back.</summary>
    public void Enter()
    {
        if (++_depth > TemplateLimits.SourceDepth)
        {
            throw Fault($"the template is nested deeper than {TemplateLimits.SourceDepth} levels");
        }
    }

    /// <summary>Comes back from a level.</summary>
    public void Leave() => _depth--;

    /// <summary>A fault at the next lexeme.</summary>
    public ChatTemplateException Fault(string problem) => new(problem, Next.Position);

    /// <summary>A fault: something else was expected.</summary>
    public ChatTemplateException Unexpected(string expected) => Fault($"{expected} is expected, not {Describe(Next)}");

    private static string Describe(Lexeme lexeme) => lexeme.Kind switch
    {
        LexemeKind.End => "the end of the template",
        LexemeKind.Text => "text",
        LexemeKind.OutputBegin => "'{{'",
        LexemeKind.OutputEnd => "'}}'",
        LexemeKind.StatementBegin => "'{%'",
        LexemeKind.StatementEnd => "'%}'",
        LexemeKind.String => "a string",
        _ => $"'{lexeme.Text}'",
    };
}
