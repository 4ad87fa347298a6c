using CpuMoe.ServerLoad;
using CpuMoe.Serving;

namespace CpuMoe.Server.Tests;

/// <summary>What <c>perf/serve/run</c> measures, in short and without the times.</summary>
[Collection(nameof(RunAlone))]
public sealed class LoadTests(ServerFixture fixture)
{
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task Thirty_two_streams_are_neither_lost_nor_mixed_up()
    {
        const int Prompts = 12;
        await using RunningServer server = await fixture.StartAsync(slots: 4, queue: 32);
        using ChatClient client = await ChatClient.ConnectAsync(server.Address);
        Dictionary<string, StreamedReply> alone = await StreamLoad.AloneAsync(client, Prompts, tokens: 24);
        LoadResult result = await new StreamLoad(client, alone).RunAsync(32, Time);

        Assert.True(result.Lost + result.Corrupted == 0, string.Join('\n', result.Faults));
        Assert.True(result.Replies.Count >= 32, $"{result.Replies.Count} replies.");
        await server.WaitUntilIdleAsync();
        Assert.Equal((result.Replies.Count + Prompts, 0L, 0L), (server.Scheduler.Statistics.Completed, server.Scheduler.Statistics.Failed, server.Scheduler.Statistics.Rejected));
    }

    [Fact]
    public async Task Prompts_outlive_a_restart_and_broken_files_never_change_an_answer()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("cpumoe-prompt-cache-");
        List<string> warnings = [];
        SchedulerOptions options = new() { PromptCacheFolder = folder.FullName, Warn = warnings.Add };
        try
        {
            StreamedReply cold = await AskAsync(), warm = await AskAsync();
            Assert.Equal(0, cold.CachedTokens);
            Assert.InRange(warm.CachedTokens, cold.PromptTokens * 3 / 4, cold.PromptTokens - 1);
            Assert.Equal(cold.Text, warm.Text);
            Assert.Empty(warnings);

            Random random = new(5);
            for (int round = 0; round < 12; round++)
            {
                FileInfo[] files = [.. folder.GetFiles().OrderBy(file => file.Name)];
                FileInfo broken = files[random.Next(files.Length)];
                byte[] bytes = await File.ReadAllBytesAsync(broken.FullName, TestContext.Current.CancellationToken);
                if (round % 2 == 0)
                {
                    bytes = bytes[..random.Next(bytes.Length)];
                }
                else
                {
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                }

                await File.WriteAllBytesAsync(broken.FullName, bytes, TestContext.Current.CancellationToken);
                StreamedReply reply = await AskAsync();
                Assert.Equal(cold.Text, reply.Text);
                Assert.True(reply.CachedTokens < warm.CachedTokens);
                Assert.Contains(broken.Name, Assert.Single(warnings), StringComparison.Ordinal);
                warnings.Clear();
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        async Task<StreamedReply> AskAsync()
        {
            await using RunningServer server = await RunningServer.StartAsync(fixture.Model, options);
            using ChatClient client = await ChatClient.ConnectAsync(server.Address);
            StreamedReply reply = await client.StreamAsync(await LoadPrompts.LongAsync(client, 1, 400), 16);
            await server.StopAsync(TestContext.Current.CancellationToken);
            return reply;
        }
    }
}
