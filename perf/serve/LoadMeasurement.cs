namespace CpuMoe.ServerLoad;

/// <summary>The same load on several slots and on one.</summary>
/// <param name="options">What to measure.</param>
/// <param name="report">Told the results.</param>
internal sealed class LoadMeasurement(LoadOptions options, Report report)
{
    private const double LeastSpeedup = 1.5;
    private const double MostGrowth = 1.1;

    /// <summary>Measures.</summary>
    public async Task RunAsync()
    {
        // What prompts give alone is asked of the server with one slot: it is another process, too.
        (IReadOnlyDictionary<string, StreamedReply> alone, LoadResult one) = await RunAsync(1, null);
        (_, LoadResult many) = await RunAsync(options.Slots, alone);
        double speedup = many.TokensPerSecond / one.TokensPerSecond;
        report.Write($"{options.Slots} slots to one: {speedup:0.00} times the tokens per second");
        report.Require(speedup >= LeastSpeedup, $"{options.Slots} slots make {speedup:0.00} times the tokens of one, less than {LeastSpeedup} times.");
    }

    private async Task<(IReadOnlyDictionary<string, StreamedReply> Alone, LoadResult Result)> RunAsync(int slots, IReadOnlyDictionary<string, StreamedReply>? alone)
    {
        await using ServerProcess server = await ServerProcess.StartAsync([.. options.Server, "--slots", $"{slots}", "--queue", $"{options.Streams}"]);
        Dictionary<string, StreamedReply> own = await StreamLoad.AloneAsync(server.Client, options.Prompts, options.Tokens);
        Task<LoadResult> load = new StreamLoad(server.Client, alone ?? own).RunAsync(options.Streams, options.Time);
        IReadOnlyList<long> memory = await server.SampleMemoryAsync(load);
        LoadResult result = await load;
        int quarter = memory.Count / 4;
        double growth = quarter == 0 ? 1 : memory.TakeLast(quarter).Average() / memory.Skip(quarter).Take(quarter).Average();
        report.Write($"{options.Streams} streams on {slots} slots for {result.Time.TotalSeconds:0} s, {options.Tokens} tokens each:");
        report.Write($"  replies {result.Replies.Count}, lost {result.Lost}, corrupted {result.Corrupted}");
        report.Write($"  {result.TokensPerSecond:0} tokens/s in all");
        report.Write($"  first token after {result.FirstToken(0.5).TotalMilliseconds:0} ms (p50), {result.FirstToken(0.99).TotalMilliseconds:0} ms (p99), the wait for a slot included");
        report.Write($"  resident MiB, in eighths of the time: {string.Join(' ', Eighths(memory).Select(bytes => $"{bytes / (1 << 20):0}"))}; last quarter to second: {growth:0.000}");
        foreach (string fault in result.Faults.Take(5))
        {
            report.Write($"  {fault}");
        }

        report.Require(result.Lost + result.Corrupted == 0, $"{result.Lost} replies were lost and {result.Corrupted} corrupted on {slots} slots.");
        report.Require(growth <= MostGrowth, $"The memory grew {growth:0.000} times from the second quarter to the last on {slots} slots.");
        report.Require(await server.Client.CountBusySlotsAsync() == 0, $"Slots are busy after the load on {slots} slots.");
        return (alone ?? own, result);
    }

    private static IEnumerable<double> Eighths(IReadOnlyList<long> samples) =>
        Enumerable.Range(0, 8).Select(i => samples.Skip(i * samples.Count / 8).Take(Math.Max(1, samples.Count / 8)).DefaultIfEmpty(samples[^1]).Average());
}
