using System.Numerics;

namespace CpuMoe.Chat.Templates;

/// <summary>The value <c>none</c>.</summary>
internal sealed class NoneValue : Value
{
    public static readonly NoneValue Instance = new();

    public override string Kind => "none";

    public override bool IsTruthy => false;
}

/// <summary>What a name or a key without a value stands for: prints nothing and is false, but has no members.</summary>
/// <param name="name">What was looked up.</param>
internal sealed class UndefinedValue(string name) : Value
{
    /// <summary>The missing result of an <c>if</c> without <c>else</c>.</summary>
    public static readonly UndefinedValue WithoutElse = new("the result of an 'if' without 'else'");

    public override string Kind => "undefined";

    public override bool IsTruthy => false;

    /// <summary>What was looked up.</summary>
    public string Name => name;

    public override IReadOnlyList<Value> Elements(RenderBudget budget) => [];

    public override int? Count(RenderBudget budget) => 0;
}

/// <summary><c>true</c> or <c>false</c>.</summary>
internal sealed class BooleanValue : Value
{
    public static readonly BooleanValue True = new();
    public static readonly BooleanValue False = new();

    private BooleanValue()
    {
    }

    public override string Kind => "a boolean";

    public override bool IsTruthy => this == True;

    public static BooleanValue Of(bool value) => value ? True : False;
}

/// <summary>An integer.</summary>
internal sealed class IntegerValue(BigInteger number) : Value
{
    /// <summary>Larger ones are refused; counts and JSON numbers are far smaller.</summary>
    private const int MaxBits = 4096;

    public override string Kind => "an integer";

    public override bool IsTruthy => !number.IsZero;

    public BigInteger Number => number;

    public static IntegerValue Of(BigInteger number, RenderBudget budget) =>
        number.GetBitLength() <= MaxBits ? new(number) : throw TooLarge(budget);

    public static ChatTemplateException TooLarge(RenderBudget budget) => budget.Fault($"an integer has more than {MaxBits} bits");

    /// <summary>A power with an exponent of 0 or more.</summary>
    public static IntegerValue Power(BigInteger number, BigInteger exponent, RenderBudget budget) =>
        exponent <= MaxBits && number.GetBitLength() * (long)exponent <= 2 * MaxBits
            ? Of(BigInteger.Pow(number, (int)exponent), budget)
            : throw TooLarge(budget);
}

/// <summary>A floating point number.</summary>
internal sealed class FloatValue(double number) : Value
{
    public override string Kind => "a number";

    public override bool IsTruthy => number != 0;

    public double Number => number;
}
