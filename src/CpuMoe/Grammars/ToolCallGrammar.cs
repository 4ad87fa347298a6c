using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Grammars.Json;

namespace CpuMoe.Grammars;

/// <summary>Grammars of tool calls, for requests that must end in one.</summary>
/// <remarks>
/// In the formats of GLM the arguments come in the order of the schema; a string is written as it is, without the closing
/// tag in it; with a length or a pattern it also contains no less-than sign. Everything else is JSON. In the formats of
/// Hermes and Llama 3 all arguments are one JSON object.
/// </remarks>
public static class ToolCallGrammar
{
    /// <summary>The grammar of a call, or of several, of one of some tools.</summary>
    /// <param name="tools">The tools, at least one.</param>
    /// <param name="format">How the model writes calls.</param>
    /// <param name="allowSeveral">Whether more calls may follow the first; in the format of Llama 3, whose templates take one call a turn, none does.</param>
    /// <param name="isStrict">Whether a keyword of a schema that cannot be enforced is a fault; otherwise it is ignored.</param>
    /// <param name="orAnswer">What the model may write in place of a call; null for nothing.</param>
    /// <exception cref="GrammarException">There is no tool, or a schema cannot be used; says which.</exception>
    public static Grammar Create(
        IReadOnlyList<ToolDefinition> tools, ToolCallFormat format = ToolCallFormat.Glm45, bool allowSeveral = false, bool isStrict = false, Grammar? orAnswer = null)
    {
        ArgumentNullException.ThrowIfNull(tools);
        if (tools.Count == 0)
        {
            throw new GrammarException("There is no tool to call.");
        }

        GrammarRules rules = orAnswer?.CopyRules() ?? new GrammarRules();
        JsonValues values = new(rules, withoutTags: format != ToolCallFormat.Llama3);
        RuleExpression call = rules.Add("call", Expression.Choice([.. tools.Select(tool => CallOf(tool, format, rules, values, isStrict))]));
        Expression lineBreak = format == ToolCallFormat.Glm47 ? Expression.Empty : Expression.Literal("\n");
        Expression more = allowSeveral && format != ToolCallFormat.Llama3 ? Expression.Repeat(Expression.Sequence(lineBreak, call), 0) : Expression.Empty;
        Expression calls = Expression.Sequence(call, more);
        return new Grammar(
            rules,
            rules.Add("calls", orAnswer is null ? calls : Expression.Choice(orAnswer.Root, calls)),
            Math.Max(JsonValues.MaxDepth + 4, orAnswer?.MaxDepth + 1 ?? 0));
    }

    private static Expression CallOf(ToolDefinition tool, ToolCallFormat format, GrammarRules rules, JsonValues values, bool isStrict)
    {
        if (string.IsNullOrWhiteSpace(tool.Name) || tool.Name.AsSpan().ContainsAny("\n\r<>"))
        {
            throw new GrammarException($"The tool name '{tool.Name}' is empty or contains a line break or an angle bracket.");
        }

        try
        {
            using var parameters = JsonDocument.Parse(tool.Parameters ?? """{"type":"object","properties":{}}""");
            JsonSchemaCompiler compiler = new(rules, values, parameters.RootElement, isStrict);
            Expression body = format switch
            {
                ToolCallFormat.Hermes => Tagged(Json(tool.Name, "arguments", compiler, "\n")),
                ToolCallFormat.Llama3 => Json(tool.Name, "parameters", compiler, ""),
                _ => Tagged(Glm(tool.Name, format, compiler, rules)),
            };
            compiler.DefineRules();
            return body;
        }
        catch (JsonException fault)
        {
            throw new GrammarException($"the schema of the parameters is not valid JSON: {fault.Message}", $"tool {tool.Name}", fault);
        }
        catch (GrammarException fault)
        {
            throw new GrammarException(fault.Message, $"tool {tool.Name}", fault);
        }
    }

    private static Expression Tagged(Expression body) => Expression.Sequence(new SpecialTokenExpression("<tool_call>"), body, new SpecialTokenExpression("</tool_call>"));

    /// <summary>A call as a JSON object.</summary>
    private static Expression Json(string name, string arguments, JsonSchemaCompiler compiler, string lineBreak) => Expression.Sequence(
        Expression.Literal($"{lineBreak}{{\"name\": "),
        compiler.Values.Name(name),
        Expression.Literal($", \"{arguments}\": "),
        compiler.CompileRootObject(),
        Expression.Literal($"}}{lineBreak}"));

    private static Expression Glm(string name, ToolCallFormat format, JsonSchemaCompiler compiler, GrammarRules rules)
    {
        Expression lineBreak = format == ToolCallFormat.Glm45 ? Expression.Literal("\n") : Expression.Empty;
        ObjectShape shape = compiler.RootObject();
        List<Expression> parts = [Expression.Literal(name), lineBreak];
        foreach (PropertyShape property in shape.Properties)
        {
            if (property.Name.Length == 0 || property.Name.AsSpan().ContainsAny("\n<"))
            {
                throw new GrammarException($"the parameter name '{property.Name}' is empty or contains a line break or a less-than sign.");
            }

            Expression value = property.Schemas.Length == 0 ? compiler.Values.Value : compiler.Compile(property.Schemas, isRaw: true);
            Expression argument = rules.Add($"argument-{property.Name}", Expression.Sequence(
                new SpecialTokenExpression("<arg_key>"),
                Expression.Literal(property.Name),
                new SpecialTokenExpression("</arg_key>"),
                lineBreak,
                new SpecialTokenExpression("<arg_value>"),
                value,
                new SpecialTokenExpression(StringSchemas.RawEnd),
                lineBreak));
            parts.Add(property.IsRequired ? argument : Expression.Optional(argument));
        }

        return Expression.Sequence(parts);
    }
}
