using System.CommandLine.Parsing;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using CpuMoe.Cli.Terminal;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace CpuMoe.Cli.Tools;

/// <summary>A process that offers tools by the Model Context Protocol on its standard input and output.</summary>
/// <remarks>
/// What it does wrong becomes a notice or the result of a call; it never ends the chat. It is in the process group of
/// this one, so a Ctrl-C that stops a reply may end it, too: with the next call it is started again.
/// </remarks>
internal sealed class McpServer : IAsyncDisposable
{
    private static readonly TimeSpan ShutdownTime = TimeSpan.FromSeconds(2);

    private readonly string _commandLine;
    private readonly TimeSpan _patience;
    private McpClient _client;

    private McpServer(McpClient client, string commandLine, TimeSpan patience)
    {
        _client = client;
        _commandLine = commandLine;
        _patience = patience;
        Name = OneLine.Of(string.IsNullOrWhiteSpace(client.ServerInfo?.Name) ? commandLine : client.ServerInfo.Name);
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
        McpServer? server = null;
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience);
        try
        {
            server = new McpServer(await ConnectAsync(commandLine, patience, limit.Token).ConfigureAwait(false), commandLine, patience);
            IList<McpClientTool> tools = await server._client.ListToolsAsync(cancellationToken: limit.Token).ConfigureAwait(false);
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

    /// <summary>Carries a call of a tool out; a server that has ended is started again.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "Whatever a foreign process does, the chat goes on.")]
    public async Task<ToolResult> CallAsync(string tool, IReadOnlyDictionary<string, object?> arguments, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_patience);
        try
        {
            if (_client.Completion.IsCompleted)
            {
                await _client.DisposeAsync().ConfigureAwait(false);
                _client = await ConnectAsync(_commandLine, _patience, limit.Token).ConfigureAwait(false);
            }

            return McpResults.Read(await _client.CallToolAsync(tool, arguments, cancellationToken: limit.Token).AsTask().WaitAsync(limit.Token).ConfigureAwait(false));
        }
        catch (Exception fault)
        {
            if (fault is IOException)
            {
                // The calls of a process that ends fail before its exit code is known.
                await Task.WhenAny(_client.Completion, Task.Delay(ShutdownTime, cancellationToken)).ConfigureAwait(false);
            }

            cancellationToken.ThrowIfCancellationRequested();
            return ToolResult.Failed(
                _client.Completion.IsCompleted ? $"the MCP server {Name} has ended{Last(await _client.Completion.ConfigureAwait(false))}"
                : limit.IsCancellationRequested ? $"the MCP server {Name}: {NoAnswer(_patience)}"
                : $"the MCP server {Name}: {OneLine.Of(fault.Message)}");
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private static Task<McpClient> ConnectAsync(string commandLine, TimeSpan patience, CancellationToken cancellationToken)
    {
        string[] words = [.. CommandLineParser.SplitCommandLine(commandLine)];
        StdioClientTransport transport = new(new StdioClientTransportOptions
        {
            Command = words[0],
            Arguments = words[1..],
            ShutdownTimeout = ShutdownTime,
            StandardErrorLines = _ => { }, // Its log is none of ours; its last line is told where it dies.
        });
        McpClientOptions options = new()
        {
            ClientInfo = new Implementation { Name = "cpumoe", Version = typeof(McpServer).Assembly.GetName().Version!.ToString(3) },
            InitializationTimeout = patience,
        };
        return McpClient.CreateAsync(transport, options, cancellationToken: cancellationToken);
    }

    private static string NoAnswer(TimeSpan patience) => string.Create(CultureInfo.InvariantCulture, $"no answer within {patience.TotalSeconds} s");

    private static string Last(ClientCompletionDetails details) => details is not StdioClientCompletionDetails process ? ""
        : (process.ExitCode is { } code ? string.Create(CultureInfo.InvariantCulture, $" with exit code {code}") : "")
            + (process.StandardErrorTail is [.., { } line] ? $": {OneLine.Of(line)}" : "");
}
