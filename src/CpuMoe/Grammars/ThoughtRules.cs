namespace CpuMoe.Grammars;

/// <summary>Grammar of what comes before an answer.</summary>
internal static class ThoughtRules
{
    private const string OpenTag = "<think>";
    private const string CloseTag = "</think>";

    /// <summary>Up to two line breaks.</summary>
    public static Expression LineBreaks { get; } = Expression.Repeat(Expression.Literal("\n"), 0, 2);

    /// <summary>What a thought adds before an answer.</summary>
    public static Expression Before(Thought thought, GrammarRules rules)
    {
        if (thought == Thought.None)
        {
            return Expression.Empty;
        }

        // The tag must not appear in plain letters either: who reads the text would take it for the end.
        Expression rest = Expression.Sequence(TextWithout.Add(rules, "thought", CloseTag), new SpecialTokenExpression(CloseTag));
        return thought == Thought.Open ? rest : Expression.Optional(Expression.Sequence(LineBreaks, new SpecialTokenExpression(OpenTag), rest));
    }
}
