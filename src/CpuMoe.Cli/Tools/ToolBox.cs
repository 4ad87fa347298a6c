using CpuMoe.Chat;
using CpuMoe.Cli.Terminal;
using CpuMoe.Grammars;

namespace CpuMoe.Cli.Tools;

/// <summary>The tools of a chat, and the user's consent to their calls. Owns the servers behind them.</summary>
internal sealed class ToolBox(ChatPrompt prompt, CliConsole console, ToolCallFormat format) : IAsyncDisposable
{
    private readonly List<ChatTool> _tools = [];
    private readonly List<McpServer> _servers = [];

    /// <summary>All tools, in the order in which the model reads of them.</summary>
    public IReadOnlyList<ChatTool> Tools => _tools;

    /// <summary>What the model reads of the tools.</summary>
    public IReadOnlyList<ToolDefinition> Definitions => [.. _tools.Select(tool => tool.Definition)];

    /// <summary>Adds a tool, unless its name is taken or its schema cannot be used, which is told.</summary>
    public void Add(ChatTool tool)
    {
        if (_tools.Find(other => other.Definition.Name == tool.Definition.Name) is { } taken)
        {
            LeaveOut(tool, $"there is one with that name already ({taken.Origin})");
            return;
        }

        try
        {
            _ = ToolCallGrammar.Create([tool.Definition], format);
            _tools.Add(tool);
        }
        catch (Exception fault) when (fault is GrammarException or ArgumentException)
        {
            LeaveOut(tool, fault.Message);
        }
    }

    /// <summary>Adds the tools of a server; from here on the box owns it.</summary>
    public void Add(McpServer server, bool isTrusted)
    {
        _servers.Add(server);
        int before = _tools.Count;
        foreach (McpTool tool in server.Tools)
        {
            tool.NeedsConsent = !isTrusted;
            Add(tool);
        }

        console.Notice($"the MCP server {server.Name} offers {string.Join(", ", _tools.Skip(before).Select(tool => OneLine.Of(tool.Definition.Name)).DefaultIfEmpty("no tools"))}");
    }

    /// <summary>Carries a call out, if the user agrees, and tells of it; returns what the model is told.</summary>
    /// <exception cref="OperationCanceledException">The user cancelled it.</exception>
    public async Task<string> CallAsync(ToolCall call, CancellationToken cancellationToken)
    {
        if (_tools.Find(tool => tool.Definition.Name == call.Name) is not { } tool)
        {
            return $"Error: there is no tool '{call.Name}'.";
        }

        if (!IsAllowed(tool, call))
        {
            console.Notice("declined");
            return "Error: the user declined this call.";
        }

        cancellationToken.ThrowIfCancellationRequested(); // Ctrl-C while the user was asked.
        ToolResult result = await tool.CallAsync(call.Arguments, cancellationToken).ConfigureAwait(false);
        if (tool is not TypedTool || result.Fault is not null)
        {
            console.Notice(result.Fault is { } fault ? $"{call.Name} failed: {OneLine.Of(fault)}" : $"{call.Name} gave {OneLine.Of(result.Text)}");
        }

        return result.Text;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (McpServer server in _servers)
        {
            await server.DisposeAsync().ConfigureAwait(false);
        }
    }

    private bool IsAllowed(ChatTool tool, ToolCall call)
    {
        string described = $"{call.Name} {OneLine.Of(call.Arguments)} of {tool.Origin}";
        if (!tool.NeedsConsent)
        {
            if (tool is not TypedTool)
            {
                console.Notice($"the model calls {described}");
            }

            return true;
        }

        console.Notice($"the model wants to call {described}: yes, no, or always?");
        while (prompt.ReadLine("y/n/a> ") is { } answer)
        {
            switch (answer.Trim().ToUpperInvariant())
            {
                case "Y" or "YES":
                    return true;
                case "A" or "ALWAYS":
                    tool.NeedsConsent = false;
                    return true;
                case "N" or "NO":
                    return false;
                default:
                    console.Notice("answer y (yes), n (no) or a (always: this tool for the rest of the chat)");
                    break;
            }
        }

        return false;
    }

    private void LeaveOut(ChatTool tool, string why) => console.Notice($"the tool {OneLine.Of(tool.Definition.Name)} ({tool.Origin}) is left out: {OneLine.Of(why)}");
}
