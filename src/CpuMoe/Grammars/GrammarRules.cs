namespace CpuMoe.Grammars;

/// <summary>A rule: what a name stands for.</summary>
internal readonly record struct GrammarRule(string Name, Expression Body);

/// <summary>Collects the rules of a grammar; a rule may be used before it is defined.</summary>
internal sealed class GrammarRules
{
    /// <summary>The most rules of a grammar.</summary>
    public const int Limit = 65_536;

    private readonly List<GrammarRule> _rules = [];

    /// <summary>Starts with the rules of another grammar, under their indices.</summary>
    public GrammarRules(IEnumerable<GrammarRule>? rules = null) => _rules.AddRange(rules ?? []);

    /// <summary>Adds a rule that is defined later; until then nothing matches it.</summary>
    public RuleExpression Declare(string name)
    {
        if (_rules.Count == Limit)
        {
            throw new GrammarException($"The grammar has more than {Limit} rules. Make it smaller.");
        }

        _rules.Add(new GrammarRule(name, Expression.Never));
        return new RuleExpression(_rules.Count - 1);
    }

    /// <summary>Says what a declared rule stands for.</summary>
    public void Define(RuleExpression rule, Expression body) => _rules[rule.Rule] = _rules[rule.Rule] with { Body = body };

    /// <summary>Adds a rule.</summary>
    public RuleExpression Add(string name, Expression body)
    {
        RuleExpression rule = Declare(name);
        Define(rule, body);
        return rule;
    }

    /// <summary>All rules.</summary>
    public GrammarRule[] ToArray() => [.. _rules];
}
