using System.Collections;
using System.Diagnostics;

namespace CpuMoe.Packages.Tests;

/// <summary>Runs programs, the <c>dotnet</c> command first of all, without the traces that the test runner leaves in the environment.</summary>
internal static class DotNet
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>The configuration that this project was built in.</summary>
    public static string Configuration { get; } =
#if DEBUG
        "Debug";
#else
        "Release";
#endif

    /// <summary>The <c>dotnet</c> command itself.</summary>
    public static string Path { get; } = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host : "dotnet";

    /// <summary>Runs a command of <c>dotnet</c> and returns its output.</summary>
    public static Task<string> RunAsync(string folder, string packages, params string[] arguments) => RunAsync(Start(folder, packages, Path, arguments));

    /// <summary>Runs a program to its end, which must be a success, and returns its output.</summary>
    public static async Task<string> RunAsync(ProcessStartInfo start)
    {
        using Process process = Process.Start(start)!;
        try
        {
            using CancellationTokenSource patience = new(Patience);
            Task<string> output = process.StandardOutput.ReadToEndAsync(patience.Token), error = process.StandardError.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            Assert.True(process.ExitCode == 0, $"{start.FileName} {string.Join(' ', start.ArgumentList)} ended with {process.ExitCode}:\n{await output}\n{await error}");
            return await output;
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    /// <summary>How to start a program.</summary>
    /// <param name="folder">Where it runs.</param>
    /// <param name="packages">The folder that takes the place of the user's package cache.</param>
    /// <param name="program">What to run.</param>
    /// <param name="arguments">Its arguments.</param>
    public static ProcessStartInfo Start(string folder, string packages, string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string name in Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(variable => (string)variable.Key))
        {
            if (name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) || name.StartsWith("TESTINGPLATFORM", StringComparison.OrdinalIgnoreCase))
            {
                start.Environment.Remove(name);
            }
        }

        // Nothing stays behind: neither build servers nor nodes, and no package in the user's cache.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["NUGET_PACKAGES"] = packages;
        return start;
    }
}
