using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Server.Errors;

namespace CpuMoe.Server.Requests;

/// <summary>Reads the tools of a request.</summary>
internal static class ToolReader
{
    private const int MostTools = 512;
    private const int LongestName = 256;

    /// <summary>Reads the tools of chat completions, in their order.</summary>
    /// <exception cref="ApiException">A tool cannot be accepted.</exception>
    public static IReadOnlyList<ToolDefinition> ReadTools(RequestValue? tools) => ReadTools(tools, FunctionOf);

    /// <summary>Reads tools in the form of a protocol, in their order.</summary>
    /// <param name="tools">The list; null for none.</param>
    /// <param name="functionOf">Gives the object with name and description of a tool; null for one that is left out.</param>
    /// <param name="parameters">The member of that object which has the schema of the arguments.</param>
    /// <exception cref="ApiException">A tool cannot be accepted.</exception>
    public static IReadOnlyList<ToolDefinition> ReadTools(RequestValue? tools, Func<RequestValue, RequestValue?> functionOf, string parameters = "parameters")
    {
        List<RequestValue> items = tools?.Items() ?? [];
        if (items.Count > MostTools)
        {
            throw tools!.Value.Fault($"at most {MostTools} tools");
        }

        List<ToolDefinition> definitions = [];
        HashSet<string> names = [];
        foreach (RequestValue item in items)
        {
            if (functionOf(item) is not { } function)
            {
                continue;
            }

            ToolDefinition definition = ReadFunction(function, parameters);
            if (!names.Add(definition.Name))
            {
                throw ApiException.Invalid(function.Place + ".name", $"Two tools have the name '{definition.Name}'.");
            }

            definitions.Add(definition);
        }

        return definitions;
    }

    private static RequestValue? FunctionOf(RequestValue tool)
    {
        tool.Required("type").AsOneOf("function");
        return tool.Required("function");
    }

    private static ToolDefinition ReadFunction(RequestValue function, string parameters)
    {
        RequestValue name = function.Required("name");
        string text = name.AsString();
        if (text.Length is 0 or > LongestName || text.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)))
        {
            throw name.Fault($"a name of 1 to {LongestName} characters without spaces");
        }

        function.Member("strict")?.AsBool();
        string? schemaText = function.Member(parameters) switch
        {
            null => null,
            { Kind: JsonValueKind.Object } schema => schema.Element.GetRawText(),
            { } other => throw other.Fault("a JSON schema of type object"),
        };
        return new ToolDefinition(text, function.Member("description")?.AsString(), schemaText);
    }
}
