namespace CpuMoe.Chat.Templates;

/// <summary><c>not a</c>.</summary>
internal sealed class Not(Expression operand, SourcePosition position) : Expression(position)
{
    protected override Value EvaluateCore(RenderContext context) => BooleanValue.Of(!operand.Evaluate(context).IsTruthy);
}

/// <summary><c>a and b</c>, <c>a or b</c>: the operand that decides.</summary>
internal sealed class Logical(Expression left, bool isAnd, Expression right, SourcePosition position) : Expression(position)
{
    protected override Value EvaluateCore(RenderContext context)
    {
        Value value = left.Evaluate(context);
        return value.IsTruthy == isAnd ? right.Evaluate(context) : value;
    }
}

/// <summary><c>-a</c>, <c>+a</c>.</summary>
internal sealed class Signed(bool isNegative, Expression operand, SourcePosition position) : Expression(position)
{
    protected override Value EvaluateCore(RenderContext context)
    {
        Value value = operand.Evaluate(context);
        At(context);
        return Arithmetic.Sign(isNegative, value, context);
    }
}

/// <summary><c>a + b</c> and the like.</summary>
internal sealed class Binary(Expression left, string sign, Expression right, SourcePosition position) : Expression(position)
{
    protected override Value EvaluateCore(RenderContext context)
    {
        Value first = left.Evaluate(context), second = right.Evaluate(context);
        At(context);
        return Arithmetic.Apply(first, sign, second, context);
    }
}

/// <summary><c>a ~ b ~ c</c>: the texts of all.</summary>
internal sealed class Concatenation(List<Expression> parts, SourcePosition position) : Expression(position)
{
    protected override Value EvaluateCore(RenderContext context)
    {
        TextValueBuilder text = new(context.Budget);
        foreach (Expression part in parts)
        {
            Printing.Print(part.Evaluate(context), text, context);
        }

        return text.ToValue();
    }
}

/// <summary><c>a == b</c>, <c>a in b</c> and the like, also in chains: <c>a &lt; b &lt; c</c>.</summary>
internal sealed class Comparison(Expression first, List<(string Sign, Expression Operand)> rest, SourcePosition position) : Expression(position)
{
    protected override Value EvaluateCore(RenderContext context)
    {
        Value left = first.Evaluate(context);
        foreach ((string sign, Expression operand) in rest)
        {
            Value right = operand.Evaluate(context);
            At(context);
            if (!Comparing.Holds(left, sign, right, context))
            {
                return BooleanValue.False;
            }

            left = right;
        }

        return BooleanValue.True;
    }
}
