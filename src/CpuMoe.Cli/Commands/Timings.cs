using System.Diagnostics;
using System.Globalization;
using CpuMoe.Generation;

namespace CpuMoe.Cli.Commands;

/// <summary>Rates and one-line summaries of a generation.</summary>
internal static class Timings
{
    /// <summary>Evaluated prompt tokens per second.</summary>
    public static double PromptRate(this GenerationTimings timings) =>
        Rate(timings.PromptTokens - timings.CachedTokens, timings.PromptTime);

    /// <summary>Generated tokens per second. The first token comes with the prompt: n tokens take n - 1 steps.</summary>
    public static double GenerationRate(this GenerationTimings timings) =>
        Rate(timings.GeneratedTokens - 1, timings.GenerationTime);

    /// <summary>What happened, in one line.</summary>
    /// <param name="timings">The generation.</param>
    /// <param name="detail">More about the generated tokens.</param>
    public static string Summary(this GenerationTimings timings, string detail = "")
    {
        string cached = timings.CachedTokens > 0 ? string.Create(CultureInfo.InvariantCulture, $" ({timings.CachedTokens} cached)") : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"prompt {timings.PromptTokens} tokens{cached} at {timings.PromptRate():F1} tokens/s, generated {timings.GeneratedTokens} at {timings.GenerationRate():F1} tokens/s{detail}, first token after {timings.TimeToFirstToken.TotalMilliseconds:F0} ms, peak memory {PeakMemory()}");
    }

    private static double Rate(int tokens, TimeSpan time) => tokens > 0 && time > TimeSpan.Zero ? tokens / time.TotalSeconds : 0;

    private static string PeakMemory()
    {
        using Process process = Process.GetCurrentProcess();
        return Bytes.Display(process.PeakWorkingSet64);
    }
}
