using System.Text;
using CpuMoe.Grammars.Automata;

namespace CpuMoe.Grammars;

/// <summary>What a rule may consist of. Immutable; parts may be shared.</summary>
internal abstract class Expression
{
    /// <summary>The empty text.</summary>
    public static Expression Empty { get; } = new LiteralExpression([]);

    /// <summary>Nothing at all, not even the empty text.</summary>
    public static Expression Never { get; } = new ChoiceExpression([]);

    /// <summary>Exactly this text, in UTF-8.</summary>
    public static Expression Literal(string text) => new LiteralExpression(Encoding.UTF8.GetBytes(text));

    /// <summary>One byte of the given range, both ends included.</summary>
    public static Expression Byte(int first, int last) => new ByteExpression(ByteSet.Range(first, last));

    /// <summary>One after the other.</summary>
    public static Expression Sequence(params IReadOnlyList<Expression> items) => items is [Expression only] ? only : new SequenceExpression(items);

    /// <summary>One of them; none where there is none.</summary>
    public static Expression Choice(params IReadOnlyList<Expression> items) => items is [Expression only] ? only : new ChoiceExpression(items);

    /// <summary>The item or nothing.</summary>
    public static Expression Optional(Expression item) => Choice(item, Empty);

    /// <summary>The item, <paramref name="min"/> to <paramref name="max"/> times in a row.</summary>
    public static Expression Repeat(Expression item, int min, int max = RepeatExpression.Unlimited) => (min, max) switch
    {
        (0, 0) => Empty,
        (1, 1) => item,
        _ => new RepeatExpression(item, min, max),
    };
}

/// <summary>A sequence of fixed bytes, possibly none.</summary>
internal sealed class LiteralExpression(byte[] bytes) : Expression
{
    public byte[] Bytes { get; } = bytes;
}

/// <summary>One byte of a set.</summary>
internal sealed class ByteExpression(ByteSet set) : Expression
{
    public ByteSet Set { get; } = set;
}

/// <summary>A special token of the vocabulary by its text, as one token; the text itself where the vocabulary has no such token.</summary>
internal sealed class SpecialTokenExpression(string text) : Expression
{
    public string Text { get; } = text;
}

/// <summary>Another rule, by its index.</summary>
internal sealed class RuleExpression(int rule) : Expression
{
    public int Rule { get; } = rule;
}

/// <summary>One after the other.</summary>
internal sealed class SequenceExpression(IReadOnlyList<Expression> items) : Expression
{
    public IReadOnlyList<Expression> Items { get; } = items;
}

/// <summary>One of several.</summary>
internal sealed class ChoiceExpression(IReadOnlyList<Expression> items) : Expression
{
    public IReadOnlyList<Expression> Items { get; } = items;
}

/// <summary>The same several times.</summary>
internal sealed class RepeatExpression(Expression item, int min, int max) : Expression
{
    /// <summary>A maximum that is none.</summary>
    public const int Unlimited = int.MaxValue;

    public Expression Item { get; } = item;

    public int Min { get; } = min;

    public int Max { get; } = max;
}
