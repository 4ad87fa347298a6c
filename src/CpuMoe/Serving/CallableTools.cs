using CpuMoe.Chat;

namespace CpuMoe.Serving;

/// <summary>Finds the tools that a reply may call.</summary>
internal static class CallableTools
{
    /// <summary>The tools that a request lets the model call; none where it is not to call.</summary>
    /// <exception cref="ArgumentException">What the request says of tools contradicts itself, or the model cannot call any.</exception>
    public static ToolDefinition[] Of(ChatRequest request, ToolCallFormat? format)
    {
        Dictionary<string, ToolDefinition> tools = new(StringComparer.Ordinal);
        foreach (ToolDefinition tool in request.Tools)
        {
            if (!tools.TryAdd(tool.Name, tool))
            {
                throw new ArgumentException($"There are two tools with the name '{tool.Name}'. Rename one.");
            }
        }

        foreach (string name in request.AllowedTools ?? [])
        {
            if (!tools.ContainsKey(name))
            {
                throw new ArgumentException($"The tool '{name}' may be called, but is not among the tools of the request.");
            }
        }

        ToolDefinition[] callable = request.ToolMode == ToolMode.None ? []
            : [.. request.Tools.Where(tool => request.AllowedTools?.Contains(tool.Name, StringComparer.Ordinal) ?? true)];
        if (callable.Length == 0 && request.ToolMode == ToolMode.Required)
        {
            throw new ArgumentException("The reply must call a tool, but there is none that it may call.");
        }

        return callable.Length == 0 || format is not null ? callable
            : throw new ArgumentException("The chat template of this model writes no tool calls, or in a format that is not supported (supported are those of GLM, Qwen and Hermes, Llama 3). Send the request without tools.");
    }
}
