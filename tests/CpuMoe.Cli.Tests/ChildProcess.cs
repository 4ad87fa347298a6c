using System.Diagnostics;
using System.Text;

namespace CpuMoe.Cli.Tests;

/// <summary>The built command as a process of its own.</summary>
internal sealed class ChildProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;

    public ChildProcess(params string[] args)
        : this([], args)
    {
    }

    /// <summary>With environment variables besides those of this process.</summary>
    public ChildProcess(Dictionary<string, string> environment, params string[] args)
    {
        ProcessStartInfo start = new(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        start.ArgumentList.Add(typeof(CommandLine).Assembly.Location);
        foreach (string argument in args)
        {
            start.ArgumentList.Add(argument);
        }

        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        _process = Process.Start(start)!;
    }

    public StreamWriter In => _process.StandardInput;

    public StreamReader Out => _process.StandardOutput;

    public StreamReader Error => _process.StandardError;

    /// <summary>Sends SIGINT, as Ctrl-C does.</summary>
    public void Interrupt()
    {
        using Process kill = Process.Start("kill", ["-INT", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>Waits for the end.</summary>
    public int Wait()
    {
        Assert.True(_process.WaitForExit(Patience), "The process did not end.");
        return _process.ExitCode;
    }

    /// <summary>Reads both streams to their end and waits.</summary>
    public async Task<CliResult> FinishAsync()
    {
        Task<string> output = Out.ReadToEndAsync(), error = Error.ReadToEndAsync();
        return new CliResult(Wait(), await output, await error);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
