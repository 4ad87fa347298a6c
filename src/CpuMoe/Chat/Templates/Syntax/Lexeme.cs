namespace CpuMoe.Chat.Templates;

/// <summary>What a lexeme is.</summary>
internal enum LexemeKind
{
    /// <summary>Text outside of tags.</summary>
    Text,

    /// <summary><c>{{</c></summary>
    OutputBegin,

    /// <summary><c>}}</c></summary>
    OutputEnd,

    /// <summary><c>{%</c></summary>
    StatementBegin,

    /// <summary><c>%}</c></summary>
    StatementEnd,

    /// <summary>A name or keyword.</summary>
    Name,

    /// <summary>A string, without its quotes and with its escapes resolved.</summary>
    String,

    /// <summary>An integer.</summary>
    Integer,

    /// <summary>A number with a fraction or an exponent.</summary>
    Float,

    /// <summary>An operator or a bracket.</summary>
    Operator,

    /// <summary>The end of the source.</summary>
    End,
}

/// <summary>A piece of the source.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Its text.</param>
/// <param name="Position">Where it begins.</param>
internal readonly record struct Lexeme(LexemeKind Kind, string Text, SourcePosition Position);
