using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Server.Errors;
using CpuMoe.Server.Requests;
using CpuMoe.Serving;

namespace CpuMoe.Server.OpenAi;

/// <summary>Reads <c>functions</c> and <c>function_call</c>, which <c>tools</c> and <c>tool_choice</c> have replaced: a reply calls one at most.</summary>
internal static class LegacyFunctions
{
    /// <summary>Whether a request calls its tools functions, and so expects <c>function_call</c> in the answer.</summary>
    /// <exception cref="ApiException">It has both.</exception>
    public static bool AreIn(RequestValue body) => body.Member("functions") is { } functions
        && (body.Member("tools") is null ? true : throw functions.Fault("absent where there are 'tools'"));

    /// <summary>Reads the functions, in their order.</summary>
    /// <exception cref="ApiException">One of them cannot be accepted.</exception>
    public static IReadOnlyList<ToolDefinition> ReadTools(RequestValue functions) => ToolReader.ReadTools(functions, function => function);

    /// <summary>Reads whether one must be called.</summary>
    /// <exception cref="ApiException">There is no such function.</exception>
    public static ToolChoice ReadChoice(RequestValue? choice, IReadOnlyList<ToolDefinition> tools)
    {
        if (choice is not { Kind: not JsonValueKind.String } named)
        {
            return new ToolChoice(choice?.AsOneOf("none", "auto") == "none" ? ToolMode.None : ToolMode.Auto, null);
        }

        RequestValue name = named.Required("name");
        string text = name.AsString();
        return tools.Any(tool => tool.Name == text) ? new ToolChoice(ToolMode.Required, [text]) : throw name.Fault("the name of a function in 'functions'");
    }
}
