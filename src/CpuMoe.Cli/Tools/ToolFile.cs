using System.Text.Json;
using CpuMoe.Chat;
using CpuMoe.Cli.Terminal;

namespace CpuMoe.Cli.Tools;

/// <summary>Reads files with definitions of tools in the form of the OpenAI API.</summary>
internal static class ToolFile
{
    /// <summary>The tools of a file: an array of <c>{"type": "function", "function": {"name", "description", "parameters"}}</c>, or an object with it as <c>tools</c>.</summary>
    /// <exception cref="CliException">It cannot be read as that.</exception>
    public static ToolDefinition[] Read(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(CliConsole.ReadFile(path));
            JsonElement tools = document.RootElement;
            if (tools.ValueKind == JsonValueKind.Object && tools.TryGetProperty("tools", out JsonElement member))
            {
                tools = member;
            }

            if (tools.ValueKind != JsonValueKind.Array)
            {
                throw Fault(path, "an array of tools is expected");
            }

            ToolDefinition[] definitions = [.. tools.EnumerateArray().Select((tool, index) => Read(tool, $"{path}: tool {index}"))];
            return definitions.GroupBy(tool => tool.Name).FirstOrDefault(group => group.Count() > 1) is { } twice
                ? throw Fault(path, $"there are two tools with the name '{twice.Key}'")
                : definitions;
        }
        catch (JsonException fault)
        {
            throw Fault(path, $"not JSON: {fault.Message}");
        }
    }

    private static ToolDefinition Read(JsonElement tool, string place)
    {
        if (tool.ValueKind != JsonValueKind.Object || !tool.TryGetProperty("function", out JsonElement function) || function.ValueKind != JsonValueKind.Object)
        {
            throw Fault(place, "an object with a member 'function' is expected");
        }

        if (!function.TryGetProperty("name", out JsonElement name) || name.ValueKind != JsonValueKind.String || string.IsNullOrWhiteSpace(name.GetString()))
        {
            throw Fault(place, "the function has no name");
        }

        string? description = function.TryGetProperty("description", out JsonElement text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;
        return !function.TryGetProperty("parameters", out JsonElement schema) || schema.ValueKind == JsonValueKind.Null ? new(name.GetString()!, description, null)
            : schema.ValueKind == JsonValueKind.Object ? new(name.GetString()!, description, schema.GetRawText())
            : throw Fault(place, "'parameters' is not a JSON schema");
    }

    private static CliException Fault(string place, string problem) => new($"--tools: {place}: {problem}");
}
