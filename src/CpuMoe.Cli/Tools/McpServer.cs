using System.CommandLine.Parsing;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using CpuMoe.Cli.Terminal;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace CpuMoe.Cli.Tools;

/// <summary>A process that offers tools by the Model Context Protocol on its standard input and output.</summary>
/// <remarks>What it does wrong becomes a notice or the result of a call; it never ends the chat.</remarks>
internal sealed class McpServer : IAsyncDisposable
{
    private static readonly TimeSpan ShutdownTime = TimeSpan.FromSeconds(2);

    private readonly McpClient _client;
    private readonly TimeSpan _patience;

    private McpServer(McpClient client, string name, TimeSpan patience)
    {
        _client = client;
        Name = name;
        _patience = patience;
    }

    /// <summary>The name that it gives itself, or of its program.</summary>
    public string Name { get; }

    /// <summary>Its tools.</summary>
    public IReadOnlyList<McpTool> Tools { get; private set; } = [];

    /// <summary>Starts a server and asks for its tools; null, after a notice, where that fails.</summary>
    /// <param name="commandLine">The program and its arguments, quoted as in a shell.</param>
    /// <param name="patience">How long it may take to start, and for a call.</param>
    /// <param name="console">Gets the notices.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    [SuppressMessage("Design", "CA1031", Justification = "Whatever a foreign process does, the chat goes on.")]
    public static async Task<McpServer?> StartAsync(string commandLine, TimeSpan patience, CliConsole console, CancellationToken cancellationToken)
    {
        string[] words = [.. CommandLineParser.SplitCommandLine(commandLine)];
        McpServer? server = null;
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience);
        try
        {
            StdioClientTransport transport = new(new StdioClientTransportOptions
            {
                Command = words[0],
                Arguments = words[1..],
                ShutdownTimeout = ShutdownTime,
                StandardErrorLines = _ => { }, // Its log is none of ours; its last lines are told where it dies.
            });
            McpClientOptions options = new()
            {
                ClientInfo = new Implementation { Name = "cpumoe", Version = typeof(McpServer).Assembly.GetName().Version!.ToString(3) },
                InitializationTimeout = patience,
            };
            McpClient client = await McpClient.CreateAsync(transport, options, cancellationToken: limit.Token).ConfigureAwait(false);
            string name = string.IsNullOrWhiteSpace(client.ServerInfo?.Name) ? words[0] : OneLine.Of(client.ServerInfo.Name);
            server = new McpServer(client, name, patience);
            IList<McpClientTool> tools = await client.ListToolsAsync(cancellationToken: limit.Token).ConfigureAwait(false);
            server.Tools = [.. tools.Select(tool => new McpTool(server, tool))];
            return server;
        }
        catch (Exception fault)
        {
            if (server is not null)
            {
                await server.DisposeAsync().ConfigureAwait(false);
            }

            cancellationToken.ThrowIfCancellationRequested();
            string why = limit.IsCancellationRequested ? NoAnswer(patience) : OneLine.Of(fault.Message);
            console.Notice($"the MCP server '{OneLine.Of(commandLine)}' cannot be used: {why}; the chat goes on without it");
            return null;
        }
    }

    /// <summary>Carries a call of a tool out.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "Whatever a foreign process does, the chat goes on.")]
    public async Task<ToolResult> CallAsync(McpClientTool tool, IReadOnlyDictionary<string, object?> arguments, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_patience);
        try
        {
            return McpResults.Read(await tool.CallAsync(arguments, cancellationToken: limit.Token).AsTask().WaitAsync(limit.Token).ConfigureAwait(false));
        }
        catch (Exception fault)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return ToolResult.Failed(
                _client.Completion.IsCompleted ? $"the MCP server {Name} has ended{Last(await _client.Completion.ConfigureAwait(false))}"
                : limit.IsCancellationRequested ? $"the MCP server {Name}: {NoAnswer(_patience)}"
                : $"the MCP server {Name}: {OneLine.Of(fault.Message)}");
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private static string NoAnswer(TimeSpan patience) => string.Create(CultureInfo.InvariantCulture, $"no answer within {patience.TotalSeconds} s");

    private static string Last(ClientCompletionDetails details) => details is not StdioClientCompletionDetails process ? ""
        : (process.ExitCode is { } code ? string.Create(CultureInfo.InvariantCulture, $" with exit code {code}") : "")
            + (process.StandardErrorTail is [.., { } line] ? $": {OneLine.Of(line)}" : "");
}
