using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;

namespace CpuMoe.Testing;

/// <summary>Runs test classes of a test assembly again, in a process of their own with other environment variables.</summary>
public static partial class TestChildProcess
{
    private const string Marker = "CPUMOE_TEST_CHILD";
    private static readonly TimeSpan TimeLimit = TimeSpan.FromMinutes(5);

    /// <summary>Whether this process was started by <see cref="Run"/>; tests that start children skip here.</summary>
    public static bool IsChild => Environment.GetEnvironmentVariable(Marker) is not null;

    /// <summary>Runs all tests of <paramref name="classes"/>, which lie in one test assembly.</summary>
    /// <param name="classes">The test classes.</param>
    /// <param name="variables">Environment variables on top of this process's, as NAME=value.</param>
    public static TestChildResult Run(IReadOnlyList<Type> classes, IEnumerable<string> variables)
    {
        ArgumentNullException.ThrowIfNull(classes);
        ArgumentNullException.ThrowIfNull(variables);
        ProcessStartInfo start = new(ExecutableOf(classes[0].Assembly))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment[Marker] = "1";
        foreach (string variable in variables)
        {
            string[] parts = variable.Split('=', 2);
            start.Environment[parts[0]] = parts[1];
        }

        string[] arguments = ["--no-ansi", "--no-progress", "--filter-class", .. classes.Select(c => c.FullName!)];
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Finish(start);
    }

    private static TestChildResult Finish(ProcessStartInfo start)
    {
        StringBuilder output = new();
        using Process process = new() { StartInfo = start };
        process.OutputDataReceived += Append;
        process.ErrorDataReceived += Append;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (!process.WaitForExit(TimeLimit))
        {
            process.Kill(entireProcessTree: true);
        }

        // Without a limit this also waits for the last lines of output.
        process.WaitForExit();
        string text = output.ToString();
        return new TestChildResult(process.ExitCode, Count(Succeeded(), text), Count(Skipped(), text), text);

        void Append(object sender, DataReceivedEventArgs line)
        {
            lock (output)
            {
                output.AppendLine(line.Data);
            }
        }
    }

    private static string ExecutableOf(Assembly assembly)
        => Path.Combine(AppContext.BaseDirectory, assembly.GetName().Name + (OperatingSystem.IsWindows() ? ".exe" : ""));

    private static int Count(Regex line, string output)
        => line.Match(output) is { Success: true } match ? int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex(@"^\s*succeeded:\s*(\d+)", RegexOptions.Multiline)]
    private static partial Regex Succeeded();

    [GeneratedRegex(@"^\s*skipped:\s*(\d+)", RegexOptions.Multiline)]
    private static partial Regex Skipped();
}

/// <summary>How a test child process ended.</summary>
/// <param name="ExitCode">0 when tests ran and none failed.</param>
/// <param name="Succeeded">Tests that passed.</param>
/// <param name="Skipped">Tests that were skipped.</param>
/// <param name="Output">Everything it wrote.</param>
public sealed record TestChildResult(int ExitCode, int Succeeded, int Skipped, string Output);
