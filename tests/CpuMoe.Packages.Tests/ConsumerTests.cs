using System.Diagnostics;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text.Json;
using CpuMoe.Testing;

namespace CpuMoe.Packages.Tests;

/// <summary>Applications that have the packages and nothing else.</summary>
public sealed class ConsumerTests(PackageFeed feed)
{
    private static readonly string[] Doors = ["session", "engine", "client"];

    [Fact]
    public async Task AConsoleApplicationAnswers()
    {
        string folder = feed.CreateConsumer("Console", "Console");
        await feed.RunAsync(folder, "build", "-c", "Release", "-o", Path.Combine(folder, "out"));
        CheckAnswers(await DotNet.RunAsync(DotNet.Start(folder, folder, DotNet.Path, Path.Combine(folder, "out", "Console.dll"), TestData.DemoModel)));
    }

    [Fact]
    public async Task AnApplicationCompiledAheadOfTimeAnswers()
    {
        Assert.SkipWhen(LinkerMissing() is not null, $"NativeAOT cannot be tried: {LinkerMissing()}.");
        string folder = feed.CreateConsumer("Console", "Native");
        await feed.RunAsync(folder, "publish", "-c", "Release", "-r", RuntimeInformation.RuntimeIdentifier, "-o", Path.Combine(folder, "native"), "-p:PublishAot=true");
        Assert.False(File.Exists(Path.Combine(folder, "native", "CpuMoe.dll")), "This is no native application.");
        CheckAnswers(await DotNet.RunAsync(DotNet.Start(folder, folder, Path.Combine(folder, "native", OperatingSystem.IsWindows() ? "Console.exe" : "Console"), TestData.DemoModel)));
    }

    [Fact]
    public async Task AWebApplicationServes()
    {
        string folder = feed.CreateConsumer("Web", "Web");
        await feed.RunAsync(folder, "build", "-c", "Release", "-o", Path.Combine(folder, "out"));
        ProcessStartInfo start = DotNet.Start(folder, folder, DotNet.Path, Path.Combine(folder, "out", "Web.dll"), TestData.DemoModel);
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        using Process server = Process.Start(start)!;
        try
        {
            using HttpClient client = new() { BaseAddress = await AddressOfAsync(server), Timeout = TimeSpan.FromMinutes(1) };
            Assert.Equal("still here", await client.GetStringAsync("/mine"));
            Assert.Contains("ok", await client.GetStringAsync("/health"), StringComparison.Ordinal);
            using HttpResponseMessage response = await client.PostAsJsonAsync("/v1/chat/completions", new
            {
                model = "demo",
                messages = new[] { new { role = "user", content = "What is the capital of France?" } },
                temperature = 0,
                chat_template_kwargs = new { enable_thinking = false },
            });
            string body = await response.Content.ReadAsStringAsync();
            Assert.True(response.IsSuccessStatusCode, body);
            using var json = JsonDocument.Parse(body);
            Assert.Contains("Paris", json.RootElement.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString(), StringComparison.Ordinal);
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task TheToolAnswersWithItsDemoModel()
    {
        string tool = await feed.InstallToolAsync();
        string folder = feed.CreateFolder("elsewhere");
        Assert.Contains("Paris", await DotNet.RunAsync(DotNet.Start(folder, folder, tool, "run", "-p", "What is the capital of France?", "--temp", "0")), StringComparison.Ordinal);
    }

    private static void CheckAnswers(string output)
    {
        foreach (string door in Doors)
        {
            Assert.Contains("Paris", output.Split('\n').Single(line => line.StartsWith(door + ":", StringComparison.Ordinal)), StringComparison.Ordinal);
        }
    }

    private static async Task<Uri> AddressOfAsync(Process server)
    {
        const string Mark = "Now listening on: ";
        server.ErrorDataReceived += (_, _) => { };
        server.BeginErrorReadLine();
        using CancellationTokenSource patience = new(TimeSpan.FromMinutes(1));
        while (await server.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            if (line.IndexOf(Mark, StringComparison.Ordinal) is >= 0 and int at)
            {
                _ = server.StandardOutput.ReadToEndAsync(CancellationToken.None); // Or it would stop at a full pipe.
                return new Uri(line[(at + Mark.Length)..].Trim());
            }
        }

        throw new InvalidOperationException("The server ended before it listened.");
    }

    /// <summary>What NativeAOT needs and the machine does not have; null where it has all.</summary>
    private static string? LinkerMissing()
    {
        if (OperatingSystem.IsWindows())
        {
            string installer = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFilesX86), "Microsoft Visual Studio", "Installer", "vswhere.exe");
            return File.Exists(installer) ? null : "there is no Visual Studio with the C++ tools";
        }

        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        return Array.Exists(folders, folder => File.Exists(Path.Combine(folder, "clang")) || File.Exists(Path.Combine(folder, "gcc")))
            ? null : "there is neither clang nor gcc to link with";
    }
}
