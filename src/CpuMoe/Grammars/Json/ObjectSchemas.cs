namespace CpuMoe.Grammars.Json;

/// <summary>Schemas of objects.</summary>
internal sealed class ObjectSchemas(JsonSchemaCompiler compiler, GrammarRules rules)
{
    /// <summary>The grammar of objects that satisfy some keywords.</summary>
    public Expression Compile(List<SchemaPart> keywords)
    {
        ObjectShape shape = ObjectShape.Of(keywords);
        if (shape.Names.Length > 0 && shape.Properties.Count > 0)
        {
            compiler.Refuse(shape.Names[0], null, "'propertyNames' beside 'properties' is not supported");
        }

        // A name may come twice among the additional ones, and then counts once.
        int required = shape.Properties.Count(property => property.IsRequired);
        if (shape.Additional is not null && shape.Min > required + 1)
        {
            compiler.Refuse(keywords.First(part => part.TryGet("minProperties", out _)), "minProperties", "more than one property beyond the required ones cannot be enforced; name them in 'required'");
        }

        JsonValues values = compiler.Values;
        Expression[] members =
        [
            .. shape.Properties.Select(property => rules.Add("member", values.Member(values.Name(property.Name), ValueOf(property.Schemas)))),
        ];
        Expression all = new Members(shape, members, AdditionalMember(shape), values, rules).All();
        return Expression.Sequence(Expression.Literal("{"), values.Space, all, Expression.Literal("}"));
    }

    private Expression ValueOf(SchemaPart[] schemas) => schemas.Length == 0 ? compiler.Values.Value : compiler.Compile(schemas);

    private Expression? AdditionalMember(ObjectShape shape)
    {
        if (shape.Additional is null)
        {
            return null;
        }

        Expression name = shape.Properties.Count > 0 ? NameOtherThan([.. shape.Properties.Select(property => property.Name)])
            : shape.Names.Length > 0 ? compiler.Compile([.. shape.Names, StringsOnly])
            : compiler.Values.Text;
        return compiler.Values.Member(name, ValueOf(shape.Additional));
    }

    private static SchemaPart StringsOnly { get; } = new(System.Text.Json.JsonDocument.Parse("""{"type":"string"}""").RootElement, "name");

    /// <summary>Any string without escapes that is not one of some names: a rule for each beginning of a name.</summary>
    private Expression NameOtherThan(string[] names)
    {
        HashSet<string> taken = [.. names];
        Dictionary<string, RuleExpression> beginnings = new(StringComparer.Ordinal) { [""] = rules.Declare("other-name") };
        Dictionary<string, HashSet<System.Text.Rune>> next = new(StringComparer.Ordinal) { [""] = [] };
        foreach (string name in names)
        {
            string before = "";
            foreach (System.Text.Rune rune in name.EnumerateRunes())
            {
                next[before].Add(rune);
                before += rune.ToString();
                if (next.TryAdd(before, []))
                {
                    beginnings.Add(before, rules.Declare("other-name"));
                }
            }
        }

        Expression plain = Utf8.OneOf(compiler.Values.Plain);
        foreach ((string beginning, RuleExpression rule) in beginnings)
        {
            CodePointSet followed = CodePointSet.Of(next[beginning].Select(rune => (rune.Value, rune.Value)));
            List<Expression> ways = taken.Contains(beginning) ? [] : [Expression.Empty];
            ways.Add(Expression.Sequence(Utf8.OneOf(compiler.Values.Plain.Except(followed)), Expression.Repeat(plain, 0)));
            foreach (System.Text.Rune rune in next[beginning].Where(rune => compiler.Values.Plain.Contains(rune.Value)))
            {
                ways.Add(Expression.Sequence(Expression.Literal(rune.ToString()), beginnings[beginning + rune]));
            }

            rules.Define(rule, Expression.Choice(ways));
        }

        return JsonValues.Quoted(beginnings[""]);
    }

    /// <summary>The members of an object in the order of the schema: a rule for what comes after some of them.</summary>
    private sealed class Members(ObjectShape shape, Expression[] members, Expression? additional, JsonValues values, GrammarRules rules)
    {
        private readonly Dictionary<(int, int), Expression> _known = [];

        // Beyond that number of members the count decides nothing any more.
        private readonly int _counted = Math.Max(Math.Max(shape.Min, 1), shape.Max == RepeatExpression.Unlimited || (additional is null && shape.Max >= members.Length) ? 0 : shape.Max);

        /// <summary>All members.</summary>
        public RuleExpression All()
        {
            // From the last to the first, as a rule refers to later ones.
            for (int i = members.Length; i > 0; i--)
            {
                for (int count = 0; count <= Math.Min(i, _counted); count++)
                {
                    _known[(i, count)] = Rule(i, count);
                }
            }

            return Rule(0, 0);
        }

        /// <summary>What comes after the first <paramref name="next"/> properties, of which <paramref name="written"/> are there.</summary>
        private RuleExpression Rule(int next, int written) => rules.Add($"members-{next}-{written}", next == members.Length ? End(written) : Way(next, written));

        private Expression Way(int next, int written)
        {
            Expression with = written >= shape.Max ? Expression.Never
                : Expression.Sequence(written > 0 ? values.Comma : Expression.Empty, members[next], _known[(next + 1, Math.Min(written + 1, _counted))]);
            return shape.Properties[next].IsRequired ? with : Expression.Choice(with, _known[(next + 1, written)]);
        }

        private Expression End(int written)
        {
            int min = Math.Max(shape.Min - written, 0), max = shape.Max == RepeatExpression.Unlimited ? shape.Max : shape.Max - written;
            Expression space = written > 0 ? values.Space : Expression.Empty;
            if (additional is null || max <= 0)
            {
                return min == 0 && max >= 0 ? space : Expression.Never;
            }

            Expression more = Expression.Sequence(values.Comma, additional);
            if (written > 0)
            {
                return Expression.Sequence(Expression.Repeat(more, min, max), space);
            }

            Expression all = Expression.Sequence(additional, Expression.Repeat(more, Math.Max(min - 1, 0), max == RepeatExpression.Unlimited ? max : max - 1), values.Space);
            return min == 0 ? Expression.Optional(all) : all;
        }
    }
}
