using CpuMoe.Server.Operations;
using CpuMoe.Server.Requests;
using CpuMoe.Serving;
using Microsoft.Extensions.Options;

namespace CpuMoe.Server.Hosting;

/// <summary>What all requests share.</summary>
internal sealed class ServerContext(ChatEngine engine, IOptions<ServerOptions> options, ServerMetrics metrics)
{
    private volatile bool _isShuttingDown;

    /// <summary>The options.</summary>
    public ServerOptions Options { get; } = options.Value;

    /// <summary>The models.</summary>
    public ModelRegistry Models { get; } = new(engine, options.Value);

    /// <summary>Who may send requests.</summary>
    public ApiKeys Keys { get; } = new(options.Value.ApiKeys);

    /// <summary>Which pages may send requests.</summary>
    public OriginPolicy Origins { get; } = new(options.Value);

    /// <summary>The grammars of schemas.</summary>
    public SchemaCache Schemas { get; } = new();

    /// <summary>What is counted.</summary>
    public ServerMetrics Metrics { get; } = metrics;

    /// <summary>Whether new requests are refused because the server shuts down.</summary>
    public bool IsShuttingDown => _isShuttingDown;

    /// <summary>Refuses new requests from now on.</summary>
    public void BeginShutdown() => _isShuttingDown = true;
}
