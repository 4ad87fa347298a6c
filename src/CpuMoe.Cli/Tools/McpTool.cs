using System.Text.Json;
using CpuMoe.Chat;
using ModelContextProtocol.Client;

namespace CpuMoe.Cli.Tools;

/// <summary>A tool of an MCP server.</summary>
internal sealed class McpTool(McpServer server, McpClientTool tool)
    : ChatTool(new ToolDefinition(tool.Name, string.IsNullOrEmpty(tool.Description) ? null : tool.Description, tool.JsonSchema.GetRawText()))
{
    /// <inheritdoc/>
    public override string Origin => server.Name;

    /// <inheritdoc/>
    public override Task<ToolResult> CallAsync(string arguments, CancellationToken cancellationToken)
    {
        using JsonDocument document = JsonDocument.Parse(arguments);
        Dictionary<string, object?> values = document.RootElement.EnumerateObject().ToDictionary(argument => argument.Name, argument => (object?)argument.Value.Clone(), StringComparer.Ordinal);
        return server.CallAsync(Definition.Name, values, cancellationToken);
    }
}
