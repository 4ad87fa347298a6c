using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Server.Errors;
using CpuMoe.Server.Requests;

namespace CpuMoe.Server.OpenAi;

/// <summary>Reads the tools of a request.</summary>
internal static class ToolReader
{
    private const int MostTools = 512;
    private const int LongestName = 256;

    /// <summary>Reads <c>tools</c>, in their order.</summary>
    /// <exception cref="ApiException">A tool cannot be accepted.</exception>
    public static IReadOnlyList<ToolDefinition> ReadTools(RequestValue? tools)
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
            item.Required("type").AsOneOf("function");
            ToolDefinition definition = ReadFunction(item.Required("function"));
            if (!names.Add(definition.Name))
            {
                throw ApiException.Invalid(item.Place + ".function.name", $"Two tools have the name '{definition.Name}'.");
            }

            definitions.Add(definition);
        }

        return definitions;
    }

    /// <summary>Reads name, description and parameters of a function.</summary>
    /// <exception cref="ApiException">One of them cannot be accepted.</exception>
    public static ToolDefinition ReadFunction(RequestValue function)
    {
        RequestValue name = function.Required("name");
        string text = name.AsString();
        if (text.Length is 0 or > LongestName || text.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)))
        {
            throw name.Fault($"a name of 1 to {LongestName} characters without spaces");
        }

        function.Member("strict")?.AsBool();
        string? parameters = function.Member("parameters") switch
        {
            null => null,
            { Kind: JsonValueKind.Object } schema => schema.Element.GetRawText(),
            { } other => throw other.Fault("a JSON schema of type object"),
        };
        return new ToolDefinition(text, function.Member("description")?.AsString(), parameters);
    }
}
