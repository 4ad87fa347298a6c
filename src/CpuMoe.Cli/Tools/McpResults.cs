using ModelContextProtocol.Protocol;

namespace CpuMoe.Cli.Tools;

/// <summary>Reads what MCP servers answer to calls.</summary>
internal static class McpResults
{
    // More than any context holds; the rest of a result would only cost time.
    private const int MaxLength = 1 << 20;

    /// <summary>The texts of a result, or its structured content; other contents are only named.</summary>
    public static ToolResult Read(CallToolResult result)
    {
        string text = string.Join('\n', result.Content.Select(TextOf));
        if (text.Length == 0 && result.StructuredContent is { } structured)
        {
            text = structured.ToString();
        }

        if (text.Length > MaxLength)
        {
            text = text[..MaxLength];
        }

        return result.IsError == true ? ToolResult.Failed(text.Length > 0 ? text : "the tool failed.") : new ToolResult(text);
    }

    private static string TextOf(ContentBlock block) => block switch
    {
        TextContentBlock text => text.Text,
        EmbeddedResourceBlock { Resource: TextResourceContents resource } => resource.Text,
        ResourceLinkBlock link => link.Uri,
        _ => $"[{block.Type} left out]",
    };
}
