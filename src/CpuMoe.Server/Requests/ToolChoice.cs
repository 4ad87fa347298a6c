using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Server.Errors;
using CpuMoe.Serving;

namespace CpuMoe.Server.Requests;

/// <summary>Whether tools must be called, and which may.</summary>
/// <param name="Mode">Whether they must.</param>
/// <param name="Allowed">Their names; null for all.</param>
internal sealed record ToolChoice(ToolMode Mode, IReadOnlyList<string>? Allowed)
{
    /// <summary>Reads <c>tool_choice</c>, in the forms of chat completions and responses.</summary>
    /// <exception cref="ApiException">It cannot be accepted.</exception>
    public static ToolChoice Read(RequestValue? choice, IReadOnlyList<ToolDefinition> tools)
    {
        ToolChoice result = choice switch
        {
            null => new ToolChoice(ToolMode.Auto, null),
            { Kind: JsonValueKind.String } word => new ToolChoice(ReadMode(word), null),
            { } value => value.Required("type").AsOneOf("function", "allowed_tools") == "function"
                ? new ToolChoice(ToolMode.Required, [ReadName(value, tools)])
                : ReadAllowed(value.Member("allowed_tools") ?? value, tools),
        };
        return result.Check(choice, tools);
    }

    /// <summary>The choice, if there is a tool where one must be called.</summary>
    /// <exception cref="ApiException">There is none.</exception>
    public ToolChoice Check(RequestValue? choice, IReadOnlyList<ToolDefinition> tools) => Mode != ToolMode.Required || tools.Count > 0 ? this
        : throw ApiException.Invalid(choice!.Value.Place, $"'{choice.Value.Place}' requires a tool, but there are none in 'tools'.");

    /// <summary>The name in a choice of one tool.</summary>
    /// <exception cref="ApiException">There is no such tool.</exception>
    public static string ReadName(RequestValue value, IReadOnlyList<ToolDefinition> tools)
    {
        RequestValue name = (value.Member("function") ?? value).Required("name");
        string text = name.AsString();
        return tools.Any(tool => tool.Name == text) ? text : throw name.Fault("the name of a tool in 'tools'");
    }

    private static ToolChoice ReadAllowed(RequestValue value, IReadOnlyList<ToolDefinition> tools)
    {
        RequestValue list = value.Required("tools");
        string[] names = [.. list.Items().Select(tool => ReadName(tool, tools))];
        if (names.Length == 0)
        {
            throw list.Fault("a list of at least one tool");
        }

        RequestValue mode = value.Required("mode");
        return new ToolChoice(mode.AsOneOf("auto", "required") == "auto" ? ToolMode.Auto : ToolMode.Required, names);
    }

    private static ToolMode ReadMode(RequestValue word) => word.AsOneOf("none", "auto", "required") switch
    {
        "none" => ToolMode.None,
        "required" => ToolMode.Required,
        _ => ToolMode.Auto,
    };
}
