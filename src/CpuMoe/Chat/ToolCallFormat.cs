using CpuMoe.Chat.Templates;

namespace CpuMoe.Chat;

/// <summary>How a model writes tool calls.</summary>
public enum ToolCallFormat
{
    /// <summary>GLM-4.5 and 4.6: name, keys and values in tags, each on its own line.</summary>
    Glm45,

    /// <summary>GLM-4.7 and later: the same without line breaks.</summary>
    Glm47,

    /// <summary>Qwen and Hermes: <c>&lt;tool_call&gt;</c> around a JSON object with name and arguments.</summary>
    Hermes,

    /// <summary>Llama 3: the reply is a JSON object with name and parameters, possibly after <c>&lt;|python_tag|&gt;</c>.</summary>
    Llama3,
}

/// <summary>What is known about the formats of tool calls.</summary>
public static class ToolCallFormats
{
    /// <summary>The format that a template writes calls in; null where it knows no calls, or writes them in a format that is not supported.</summary>
    public static ToolCallFormat? Of(ChatTemplate template)
    {
        ArgumentNullException.ThrowIfNull(template);
        string source = template.Source;
        return Has("<arg_key>") ? Has("</arg_key><arg_value>") ? ToolCallFormat.Glm47 : ToolCallFormat.Glm45
            : Has("<tool_call>") ? Has("\"arguments\"") && !Has("<function=") ? ToolCallFormat.Hermes : null
            : Has("<|python_tag|>") || (Has("<|start_header_id|>") && Has("\"parameters\": ")) ? ToolCallFormat.Llama3
            : null;

        bool Has(string text) => source.Contains(text, StringComparison.Ordinal);
    }

    /// <summary>The tag that opens a call.</summary>
    internal static string OpenTag(this ToolCallFormat format) => format == ToolCallFormat.Llama3 ? "<|python_tag|>" : "<tool_call>";

    /// <summary>What may stand between a call's arguments and whatever comes next, white space aside.</summary>
    internal static string EndOfCall(this ToolCallFormat format) => format switch
    {
        ToolCallFormat.Hermes => "</tool_call>",
        ToolCallFormat.Llama3 => ";",
        _ => "", // The closing tag of GLM also ends the arguments: its reader takes it.
    };
}
