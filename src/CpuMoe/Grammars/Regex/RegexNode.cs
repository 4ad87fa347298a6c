namespace CpuMoe.Grammars.Regex;

/// <summary>A regular expression over characters.</summary>
internal abstract record RegexNode
{
    /// <summary>The least and the largest number of characters of a match; the largest is <see cref="RepeatExpression.Unlimited"/> where there is none.</summary>
    public abstract (int Min, int Max) Length { get; }

    /// <summary>The same as an expression.</summary>
    /// <param name="write">How one of some characters is written.</param>
    public abstract Expression ToExpression(Func<CodePointSet, Expression> write);

    /// <summary>Adds two lengths.</summary>
    protected static int Plus(long a, long b) => (int)Math.Min(a + b, RepeatExpression.Unlimited);

    /// <summary>Multiplies two lengths.</summary>
    protected static int Times(long a, long b) => (int)Math.Min(a * b, RepeatExpression.Unlimited);
}

/// <summary>One character of a set.</summary>
internal sealed record RegexCharacter(CodePointSet Set) : RegexNode
{
    public override (int Min, int Max) Length => (1, 1);

    public override Expression ToExpression(Func<CodePointSet, Expression> write) => write(Set);
}

/// <summary>One after the other.</summary>
internal sealed record RegexSequence(IReadOnlyList<RegexNode> Items) : RegexNode
{
    public override (int Min, int Max) Length =>
        Items.Select(item => item.Length).Aggregate((Min: 0, Max: 0), (sum, item) => (Plus(sum.Min, item.Min), Plus(sum.Max, item.Max)));

    public override Expression ToExpression(Func<CodePointSet, Expression> write) => Expression.Sequence([.. Items.Select(item => item.ToExpression(write))]);
}

/// <summary>One of several.</summary>
internal sealed record RegexChoice(IReadOnlyList<RegexNode> Items) : RegexNode
{
    public override (int Min, int Max) Length => (Items.Min(item => item.Length.Min), Items.Max(item => item.Length.Max));

    public override Expression ToExpression(Func<CodePointSet, Expression> write) => Expression.Choice([.. Items.Select(item => item.ToExpression(write))]);
}

/// <summary>The same several times.</summary>
internal sealed record RegexRepeat(RegexNode Item, int Min, int Max) : RegexNode
{
    public override (int Min, int Max) Length => (Times(Item.Length.Min, Min), Times(Item.Length.Max, Max));

    public override Expression ToExpression(Func<CodePointSet, Expression> write) => Expression.Repeat(Item.ToExpression(write), Min, Max);
}
