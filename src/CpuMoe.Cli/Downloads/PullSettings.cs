namespace CpuMoe.Cli.Downloads;

/// <summary>From where and how models are pulled.</summary>
internal sealed record PullSettings
{
    /// <summary>The address of the hub, without a '/' at the end.</summary>
    public string Endpoint { get; init; } = "https://huggingface.co";

    /// <summary>The access token; only the hub itself gets it.</summary>
    public string? Token { get; init; }

    /// <summary>Ranges of a file received at a time.</summary>
    public int Connections { get; init; } = 8;

    /// <summary>Bytes of a range.</summary>
    public long ChunkBytes { get; init; } = 64L << 20;

    /// <summary>Failures without progress in between after which a range is given up.</summary>
    public int TransferAttempts { get; init; } = 10;

    /// <summary>Failures after which the list of files is given up.</summary>
    public int ListingAttempts { get; init; } = 4;

    /// <summary>The wait after a first failure; it doubles with every further one.</summary>
    public TimeSpan FirstWait { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>The longest wait by our own choice.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest wait that a server may ask for; the windows of the hub's rate limits are 5 minutes long.</summary>
    public TimeSpan LongestAskedWait { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The silence after which a connection is given up.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often it is written down what has arrived.</summary>
    public TimeSpan JournalInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The settings that <c>HF_ENDPOINT</c> and <c>HF_TOKEN</c> give.</summary>
    /// <exception cref="CliException">A variable makes no sense.</exception>
    public static PullSettings FromEnvironment()
    {
        PullSettings defaults = new();
        string endpoint = Environment.GetEnvironmentVariable("HF_ENDPOINT") is { Length: > 0 } address ? address.Trim().TrimEnd('/') : defaults.Endpoint;
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("https" or "http") || uri.Query.Length > 0)
        {
            throw new CliException($"HF_ENDPOINT must be an address such as {defaults.Endpoint}, not '{endpoint}'");
        }

        string? token = Environment.GetEnvironmentVariable("HF_TOKEN")?.Trim();
        if (token?.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.' or '~' or '+' or '/' or '=')) == true)
        {
            throw new CliException("HF_TOKEN holds characters that no token has");
        }

        return defaults with { Endpoint = endpoint, Token = token is { Length: > 0 } ? token : null };
    }
}
