using CpuMoe.Grammars.Regex;

namespace CpuMoe.Grammars.Json;

/// <summary>Schemas of strings.</summary>
internal sealed class StringSchemas(JsonSchemaCompiler compiler, GrammarRules rules)
{
    /// <summary>The tag after a string that is written as it is.</summary>
    public const string RawEnd = "</arg_value>";

    private static readonly CodePointSet NotTag = CodePointSet.Of("<").Complement();

    private RuleExpression? _rawText;

    /// <summary>The least and the largest number of characters.</summary>
    public static (int Min, int Max) Lengths(List<SchemaPart> keywords) =>
        (keywords.Max(part => part.Count("minLength")) ?? 0, keywords.Min(part => part.Count("maxLength")) ?? RepeatExpression.Unlimited);

    /// <summary>The strings, with quotation marks, that satisfy some keywords.</summary>
    public Expression Compile(List<SchemaPart> keywords)
    {
        (int min, int max) = Lengths(keywords);
        Expression? characters = PatternOf(keywords)?.ToExpression(compiler.Values.OneOf);
        return characters is null && (min, max) is (0, RepeatExpression.Unlimited) ? compiler.Values.Text
            : min > max ? Expression.Never
            : JsonValues.Quoted(characters ?? Expression.Repeat(compiler.Values.Character, min, max));
    }

    /// <summary>The strings, as they are between tags, that satisfy some keywords.</summary>
    public Expression CompileRaw(List<SchemaPart> keywords)
    {
        (int min, int max) = Lengths(keywords);
        return PatternOf(keywords)?.ToExpression(set => Utf8.OneOf(set.Except(CodePointSet.Of("<"))))
            ?? ((min, max) is (0, RepeatExpression.Unlimited) ? _rawText ??= TextWithout.Add(rules, "text", RawEnd)
                : min > max ? Expression.Never
                : Expression.Repeat(Utf8.OneOf(NotTag), min, max));
    }

    /// <summary>A given string as it is between tags; nothing where it contains the end.</summary>
    public static Expression Raw(string text) => text.Contains(RawEnd, StringComparison.Ordinal) ? Expression.Never : Expression.Literal(text);

    /// <summary>The pattern or format; null where there is none or the lengths alone decide.</summary>
    private RegexNode? PatternOf(List<SchemaPart> keywords)
    {
        (int min, int max) = Lengths(keywords);
        RegexNode? found = null;
        foreach (SchemaPart part in keywords)
        {
            foreach ((string name, RegexNode pattern) in PatternsOf(part))
            {
                (int shortest, int longest) = pattern.Length;
                if (found is not null)
                {
                    compiler.Refuse(part, name, $"'{name}' beside another pattern or format is not supported");
                    continue;
                }

                if (shortest < min || longest > max)
                {
                    compiler.Refuse(part, name, $"'{name}' beside minLength or maxLength is not supported, unless its own length satisfies them; put the length into the pattern");
                }

                found = pattern;
            }
        }

        return found;
    }

    private static IEnumerable<(string Keyword, RegexNode Pattern)> PatternsOf(SchemaPart part)
    {
        if (part.Text("pattern") is { } pattern)
        {
            RegexNode node;
            try
            {
                node = RegexParser.Parse(pattern, isSearch: true);
            }
            catch (GrammarException fault)
            {
                throw part.Fault("pattern", fault.Message);
            }

            yield return ("pattern", node);
        }

        if (part.Text("format") is { } format && StringFormats.Find(format) is { } known)
        {
            yield return ("format", RegexParser.Parse(known));
        }
    }
}
