namespace CpuMoe.Server;

/// <summary>Options of the endpoints.</summary>
public sealed record ServerOptions
{
    /// <summary>The name of the model; null for that of its file.</summary>
    public string? ModelName { get; set; }

    /// <summary>More names of the model; <c>*</c> stands for any text, as in <c>claude-*</c>.</summary>
    public IList<string> Aliases { get; } = [];

    /// <summary>Whether any other name is taken for the model too; otherwise it is an error.</summary>
    public bool AcceptAnyModelName { get; set; }

    /// <summary>The keys that clients may use; without any, everybody may do everything.</summary>
    public IList<string> ApiKeys { get; } = [];

    /// <summary>Origins such as <c>https://chat.example.org</c> whose pages may use the server; pages of others may not.</summary>
    public IList<string> CorsOrigins { get; } = [];

    /// <summary>Names beside <c>localhost</c> under which the server may be reached over the loopback interface, as behind a proxy.</summary>
    public IList<string> AllowedHosts { get; } = [];

    /// <summary>The largest body of a request in bytes.</summary>
    public long MaxBodyBytes { get; set; } = 64L << 20;

    /// <summary>The most choices of one request.</summary>
    public int MaxChoices { get; set; } = 8;

    /// <summary>The longest time for which a stream is silent.</summary>
    public TimeSpan KeepAliveInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a client may take to read what it was sent; then its connection is closed and its work stopped.</summary>
    public TimeSpan StalledClientTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long running requests may go on when the server shuts down.</summary>
    public TimeSpan ShutdownGrace { get; set; } = TimeSpan.FromSeconds(30);
}
