using System.Text.Json;
using CpuMoe.Grammars.Json;

namespace CpuMoe.Grammars;

/// <summary>A tool that may be called.</summary>
/// <param name="Name">The name of the function.</param>
/// <param name="Parameters">The JSON schema of its arguments, an object; undefined where there are none.</param>
public readonly record struct ToolSchema(string Name, JsonElement Parameters);

/// <summary>How a model writes tool calls.</summary>
public enum ToolCallFormat
{
    /// <summary>GLM-4.5 and 4.6: name, keys and values in tags, each on its own line.</summary>
    Glm45,

    /// <summary>GLM-4.7 and later: the same without line breaks.</summary>
    Glm47,

    /// <summary>Qwen and Hermes: <c>&lt;tool_call&gt;</c> around a JSON object with name and arguments.</summary>
    Hermes,
}

/// <summary>Grammars of tool calls, for requests that must end in one.</summary>
/// <remarks>
/// In the formats of GLM the arguments come in the order of the schema; a string is written as it is, without the closing
/// tag in it; with a length or a pattern it also contains no less-than sign. Everything else is JSON.
/// </remarks>
public static class ToolCallGrammar
{
    /// <summary>The grammar of a call, or of several, of one of some tools.</summary>
    /// <param name="tools">The tools, at least one.</param>
    /// <param name="format">How the model writes calls.</param>
    /// <param name="allowSeveral">Whether more calls may follow the first.</param>
    /// <param name="isStrict">Whether a keyword of a schema that cannot be enforced is a fault; otherwise it is ignored.</param>
    /// <exception cref="GrammarException">There is no tool, or a schema cannot be used; says which.</exception>
    public static Grammar Create(IReadOnlyList<ToolSchema> tools, ToolCallFormat format = ToolCallFormat.Glm45, bool allowSeveral = false, bool isStrict = false)
    {
        ArgumentNullException.ThrowIfNull(tools);
        if (tools.Count == 0)
        {
            throw new GrammarException("There is no tool to call.");
        }

        GrammarRules rules = new();
        JsonValues values = new(rules, withoutTags: true);
        RuleExpression call = rules.Add("call", Expression.Choice([.. tools.Select(tool => CallOf(tool, format, rules, values, isStrict))]));
        Expression lineBreak = format == ToolCallFormat.Glm47 ? Expression.Empty : Expression.Literal("\n");
        Expression more = allowSeveral ? Expression.Repeat(Expression.Sequence(lineBreak, call), 0) : Expression.Empty;
        return new Grammar(rules, rules.Add("calls", Expression.Sequence(call, more)), JsonValues.MaxDepth + 4);
    }

    private static Expression CallOf(ToolSchema tool, ToolCallFormat format, GrammarRules rules, JsonValues values, bool isStrict)
    {
        if (string.IsNullOrWhiteSpace(tool.Name) || tool.Name.AsSpan().ContainsAny("\n\r<>"))
        {
            throw new GrammarException($"The tool name '{tool.Name}' is empty or contains a line break or an angle bracket.");
        }

        try
        {
            JsonElement parameters = tool.Parameters.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null ? Nothing : tool.Parameters;
            JsonSchemaCompiler compiler = new(rules, values, parameters, isStrict);
            Expression body = format == ToolCallFormat.Hermes ? Hermes(tool.Name, compiler) : Glm(tool.Name, format, compiler, rules);
            compiler.DefineRules();
            return Expression.Sequence(new SpecialTokenExpression("<tool_call>"), body, new SpecialTokenExpression("</tool_call>"));
        }
        catch (GrammarException fault)
        {
            throw new GrammarException(fault.Message, $"tool {tool.Name}", fault);
        }
    }

    private static JsonElement Nothing { get; } = JsonDocument.Parse("""{"type":"object","properties":{}}""").RootElement;

    private static Expression Hermes(string name, JsonSchemaCompiler compiler)
    {
        JsonValues values = compiler.Values;
        return Expression.Sequence(
            Expression.Literal("\n{\"name\": "),
            values.Name(name),
            Expression.Literal(", \"arguments\": "),
            compiler.CompileRoot(),
            Expression.Literal("}\n"));
    }

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
