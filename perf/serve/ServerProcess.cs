using System.Diagnostics;
using System.Globalization;

namespace CpuMoe.ServerLoad;

/// <summary><c>cpumoe serve</c> as a process of its own, on a free port.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly Task<string> _log;

    private ServerProcess(Process process, Uri address, ChatClient client)
    {
        _process = process;
        Address = address;
        Client = client;

        // It must be read, or the server would stand still before a full pipe; what is said of requests is not kept.
        _log = ReadLogAsync(process.StandardError);
    }

    /// <summary>Where it is.</summary>
    public Uri Address { get; }

    /// <summary>Speaks with it.</summary>
    public ChatClient Client { get; }

    /// <summary>Starts a server and waits until it takes requests.</summary>
    /// <exception cref="InvalidOperationException">It ended instead.</exception>
    public static async Task<ServerProcess> StartAsync(IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in (string[])[Path.Combine(AppContext.BaseDirectory, "CpuMoe.Cli.dll"), "serve", "--port", "0", .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        Process process = Process.Start(start)!;
        if (await process.StandardOutput.ReadLineAsync() is not { } url)
        {
            throw new InvalidOperationException($"The server did not start: {await process.StandardError.ReadToEndAsync()}");
        }

        Uri address = new(url);
        return new ServerProcess(process, address, await ChatClient.ConnectAsync(address));
    }

    /// <summary>Samples the resident memory every half second until <paramref name="done"/>, in bytes.</summary>
    public async Task<IReadOnlyList<long>> SampleMemoryAsync(Task done)
    {
        List<long> samples = [];
        do
        {
            _process.Refresh();
            samples.Add(_process.WorkingSet64);
        }
        while (await Task.WhenAny(done, Task.Delay(500)) != done);
        return samples;
    }

    /// <summary>Ends it as the system does, so that it keeps what is to be kept.</summary>
    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        using Process kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        using CancellationTokenSource limit = new(Patience);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }

        string warnings = await _log;
        Console.Error.Write(warnings);
        _process.Dispose();
    }

    private static async Task<string> ReadLogAsync(StreamReader log)
    {
        StringWriter kept = new();
        while (await log.ReadLineAsync() is { } line)
        {
            if (line.Contains("warn", StringComparison.Ordinal) || line.Contains("fail", StringComparison.Ordinal))
            {
                kept.WriteLine(line);
            }
        }

        return kept.ToString();
    }
}
