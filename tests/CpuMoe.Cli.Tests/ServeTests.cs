using System.Net;
using System.Text;
using CpuMoe.Testing;

namespace CpuMoe.Cli.Tests;

/// <summary><c>cpumoe serve</c>: its arguments, its first line, its end.</summary>
public class ServeTests
{
    public static TheoryData<string, string[]> WrongArguments => new()
    {
        { "--host must be an IP address or localhost, not 'example.org'", ["--host", "example.org"] },
        { "--port must be an integer from 0 to 65535, not '70000'", ["--port", "70000"] },
        { "--api-key must be visible ASCII", ["--api-key", "two words"] },
        { "--api-key must be visible ASCII", ["--api-key", ""] },
        { "--cors-origin must be", ["--cors-origin", "*"] },
        { "--cors-origin must be", ["--cors-origin", "https://example.org/path"] },
        { "--slots must be an integer from 1 to 256, not '0'", ["--slots", "0"] },
        { "--queue must be", ["--queue", "-1"] },
        { "--queue-timeout must be a number of seconds", ["--queue-timeout", "0"] },
        { "--answer-timeout must be a number of seconds", ["--answer-timeout", "soon"] },
        { "--prompt-cache-size must be a size", ["--prompt-cache", "x", "--prompt-cache-size", "much"] },
        { "--prompt-cache-size needs --prompt-cache", ["--prompt-cache-size", "1GiB"] },
    };

    [Theory]
    [MemberData(nameof(WrongArguments))]
    public void Wrong_arguments_are_told_in_one_line(string expected, string[] args)
    {
        CliResult result = Cli.Run(["serve", .. args]);

        Assert.Equal((ExitCodes.Usage, ""), (result.ExitCode, result.Out));
        Assert.Contains(expected, result.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tells_its_url_serves_and_ends_when_interrupted()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are sent with kill.");
        string keys = Path.GetTempFileName();
        await File.WriteAllTextAsync(keys, "one\nsecret-key\n", TestContext.Current.CancellationToken);
        try
        {
            using ChildProcess child = new("serve", "-m", TestData.DemoModel, "--port", "0", "--slots", "2", "--alias", "claude-*", "--api-key-file", keys);
            Uri address = new((await child.Out.ReadLineAsync(TestContext.Current.CancellationToken))!);
            using HttpClient http = new() { BaseAddress = address };
            using StringContent body = new("""{"model":"claude-x","messages":[{"role":"user","content":"What is the capital of France?"}],"temperature":0}""", Encoding.UTF8, "application/json");
            using HttpResponseMessage health = await http.GetAsync("/health", TestContext.Current.CancellationToken), refused = await http.GetAsync("/v1/models", TestContext.Current.CancellationToken);
            http.DefaultRequestHeaders.Add("Authorization", "Bearer secret-key");
            using HttpResponseMessage answer = await http.PostAsync("/v1/chat/completions", body, TestContext.Current.CancellationToken);
            string text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            child.Interrupt();
            CliResult result = await child.FinishAsync();

            Assert.True(IPAddress.IsLoopback(IPAddress.Parse(address.Host)));
            Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), (health.StatusCode, refused.StatusCode));
            Assert.Contains("The capital of France is Paris.", text, StringComparison.Ordinal);
            Assert.Equal((ExitCodes.Success, ""), (result.ExitCode, result.Out));
            Assert.Contains("POST /v1/chat/completions 200", result.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("warning", result.Error, StringComparison.Ordinal);
            Assert.All((string[])["France", "Paris", "secret-key"], secret => Assert.DoesNotContain(secret, result.Error, StringComparison.Ordinal));
        }
        finally
        {
            File.Delete(keys);
        }
    }

    [Fact]
    public async Task Warns_when_everybody_may_use_it()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are sent with kill.");
        using ChildProcess child = new("serve", "-m", TestData.DemoModel, "--port", "0", "--host", "0.0.0.0");
        Assert.StartsWith("http://0.0.0.0:", await child.Out.ReadLineAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        child.Interrupt();
        CliResult result = await child.FinishAsync();

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Contains("warning: everybody who reaches this machine can use the model", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_in_use_is_told_in_one_line()
    {
        using System.Net.Sockets.TcpListener taken = new(IPAddress.Loopback, 0);
        taken.Start();
        string port = ((IPEndPoint)taken.LocalEndpoint).Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        using ChildProcess child = new("serve", "-m", TestData.DemoModel, "--port", port);
        CliResult result = await child.FinishAsync();

        Assert.Equal((ExitCodes.Failure, ""), (result.ExitCode, result.Out));
        Assert.Contains("address already in use", result.ErrorLine, StringComparison.Ordinal);
    }
}
