using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using CpuMoe.Diagnostics;

namespace CpuMoe.Cli.Commands;

/// <summary><c>cpumoe kernels</c> in a process that was told to leave instructions alone.</summary>
internal static class KernelsProcess
{
    /// <summary>Measures with <paramref name="path"/>.</summary>
    /// <exception cref="CliException">The process failed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the process is ended.</exception>
    public static KernelsOutput Run(VectorPath path, string[] formats, int threads, int patience, CancellationToken cancellation)
    {
        ProcessStartInfo start = Command();
        foreach (string argument in (string[])["kernels", "--json", "--isa", InstructionSets.NameOf(path), "--threads", Text(threads), "--patience", Text(patience), "--format", .. formats])
        {
            start.ArgumentList.Add(argument);
        }

        if (InstructionSets.SwitchTo(path) is not { } name || Environment.GetEnvironmentVariable(name) == "0")
        {
            // Where it is off already and has no effect, the process would start another one, and so on.
            throw new CliException($"the runtime cannot be kept from {InstructionSets.NameOf(KernelProbe.Path)}; --isa {InstructionSets.NameOf(path)} cannot be measured");
        }

        start.Environment[name] = "0";
        using Process process = Process.Start(start)!;
        using CancellationTokenRegistration end = cancellation.Register(process.Kill);
        Task<string> error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        cancellation.ThrowIfCancellationRequested();
        return process.ExitCode == ExitCodes.Success
            ? JsonSerializer.Deserialize(output, JsonOutput.Readable.KernelsOutput)!
            : throw new CliException($"measuring {InstructionSets.NameOf(path)} in a process of its own failed with exit code {process.ExitCode}: {error.Result.TrimEnd()}");
    }

    /// <summary>This program: its own executable, or the one that runs assemblies.</summary>
    private static ProcessStartInfo Command()
    {
        string program = typeof(KernelsProcess).Assembly.GetName().Name!;
        bool isProgram = Path.GetFileName(Environment.ProcessPath) == program + (OperatingSystem.IsWindows() ? ".exe" : "");
        ProcessStartInfo start = new(isProgram ? Environment.ProcessPath! : "dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        if (!isProgram)
        {
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, program + ".dll"));
        }

        return start;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
