namespace CpuMoe.ServerLoad;

/// <summary>The time to the first token of long prompts, before and after a restart with a prompt cache.</summary>
/// <param name="options">What to measure.</param>
/// <param name="report">Told the results.</param>
internal sealed class RestartMeasurement(LoadOptions options, Report report)
{
    private const int Prompts = 7;
    private const int Tokens = 16;
    private const double LeastSpeedup = 5;

    /// <summary>Measures.</summary>
    public async Task RunAsync()
    {
        string folder = Directory.CreateTempSubdirectory("cpumoe-prompt-cache-").FullName;
        try
        {
            List<StreamedReply> cold = await RunAsync(folder, warmUp: 1000);
            List<StreamedReply> warm = await RunAsync(folder, warmUp: 2000);
            double coldTime = Median(cold), warmTime = Median(warm);
            report.Write($"restart with --prompt-cache, {Prompts} prompts of {cold[0].PromptTokens} tokens or so, {warm.Min(reply => reply.CachedTokens)} or more of them cached:");
            report.Write($"  first token after {coldTime:0.0} ms cold, {warmTime:0.0} ms after the restart (medians): {coldTime / warmTime:0.0} times shorter");
            report.Write($"  cold {string.Join(' ', cold.Select(Milliseconds))}; after the restart {string.Join(' ', warm.Select(Milliseconds))}");
            report.Require(coldTime / warmTime >= LeastSpeedup, $"The first token comes {coldTime / warmTime:0.0} times sooner after the restart, less than {LeastSpeedup} times.");
            report.Require(cold.All(reply => reply.CachedTokens < 100), "Prompts that are to be cold were cached.");
            report.Require(cold.Select(reply => reply.Text).SequenceEqual(warm.Select(reply => reply.Text)), "A reply from the cache differs.");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task<List<StreamedReply>> RunAsync(string folder, int warmUp)
    {
        await using ServerProcess server = await ServerProcess.StartAsync([.. options.Server, "--slots", "1", "--prompt-cache", folder]);

        // Both servers compile their code before it counts: that of prompts by new ones, that of loading by the first of the old ones.
        for (int i = 0; i < Prompts; i++)
        {
            await server.Client.StreamAsync(await LoadPrompts.LongAsync(server.Client, warmUp + i, options.PromptTokens), Tokens);
        }

        List<StreamedReply> replies = [];
        for (int i = 0; i < Prompts; i++)
        {
            replies.Add(await server.Client.StreamAsync(await LoadPrompts.LongAsync(server.Client, i, options.PromptTokens), Tokens));
        }

        return replies;
    }

    private static double Median(List<StreamedReply> replies) => replies.Select(reply => reply.FirstToken.TotalMilliseconds).Order().ElementAt(Prompts / 2);

    private static string Milliseconds(StreamedReply reply) => $"{reply.FirstToken.TotalMilliseconds:0.0}";
}
