using CpuMoe.Generation;
using CpuMoe.Models;
using CpuMoe.Serving;
using CpuMoe.Tests.Generation;
using CpuMoe.Tests.Gguf;

namespace CpuMoe.Tests.Serving;

public sealed class PromptCacheTests : IDisposable
{
    private const int Tokens = 200;

    // Whole blocks of the prompt, which never count its last token.
    private const int Stored = (Tokens - 1) / PromptBlock.Length * PromptBlock.Length;

    private static readonly GenerationOptions Greedy = new() { Sampling = SamplerOptions.Greedy, MaxTokens = 12 };
    private static readonly int[] Prompt = [.. Enumerable.Range(300, Tokens)];

    private readonly TempFolder _folder = new();
    private readonly List<string> _warnings = [];

    private SchedulerOptions Options => new() { Slots = 2, ContextLength = 400, PromptCacheFolder = _folder.PathOf("cache"), Warn = Note };

    private string[] Files => Directory.GetFiles(_folder.PathOf("cache"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task APromptOutlivesTheProcess()
    {
        List<GenerationUpdate> cold = await RunAsync(Prompt, Options, cached: 0);
        Assert.Equal(Alone(Prompt), cold);
        Assert.Equal(Tokens / PromptBlock.Length, Files.Length);
        Assert.Equal(cold, await RunAsync(Prompt, Options, cached: Stored));
        int[] other = [.. Prompt.Take(150), .. Enumerable.Range(7, 90)];
        Assert.Equal(Alone(other), await RunAsync(other, Options, cached: 128));
        Assert.Empty(_warnings);
    }

    [Fact]
    public async Task TheRealModelAnswersFromTheDiskAsFromThePrompt()
    {
        SchedulerOptions options = Options;
        List<GenerationUpdate> expected;
        await using (ServingModel serving = ServingModel.Demo(options))
        {
            expected = serving.Alone(Prompt, Greedy);
            Assert.Equal(expected, await serving.RunAsync(Prompt, Greedy));
            await serving.Scheduler.ShutDownAsync(TimeSpan.FromSeconds(60));
        }

        await using ServingModel again = ServingModel.Demo(options);
        Assert.Equal(expected, await again.RunAsync(Prompt, Greedy));
        Assert.Equal(Stored, again.Scheduler.Statistics.CachedTokens);
        Assert.Equal(expected, await again.RunAsync(Prompt, Greedy));
        Assert.Equal(Stored + Tokens - 1, again.Scheduler.Statistics.CachedTokens);
    }

    [Fact]
    public async Task FilesThatWereCutOrChangedNeverChangeAnAnswer()
    {
        Random random = new(11);
        List<GenerationUpdate> expected = await RunAsync(Prompt, Options, cached: 0);
        for (int round = 0; round < 60; round++)
        {
            string file = Files.Order().ElementAt(random.Next(Files.Length));
            byte[] bytes = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
            switch (random.Next(4))
            {
                case 0:
                    bytes = bytes[..random.Next(bytes.Length)];
                    break;
                case 1:
                    bytes = [.. bytes, (byte)random.Next(256)];
                    break;
                case 2:
                    // The file of another block.
                    bytes = await File.ReadAllBytesAsync(Files.First(other => other != file), TestContext.Current.CancellationToken);
                    break;
                default:
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                    break;
            }

            await File.WriteAllBytesAsync(file, bytes, TestContext.Current.CancellationToken);
            Assert.Equal(expected, await RunAsync(Prompt, Options, cached: null));
            Assert.Contains(Path.GetFileName(file), Assert.Single(_warnings), StringComparison.Ordinal);
            _warnings.Clear();

            // The run has stored it anew.
            Assert.Equal(Tokens / PromptBlock.Length, Files.Length);
        }
    }

    [Fact]
    public async Task FilesThatAreGoneAreMissedSilently()
    {
        List<GenerationUpdate> expected = await RunAsync(Prompt, Options, cached: 0);
        await using ServingModel serving = ServingModel.Scripted(new ScriptedModel(), Options);
        Array.ForEach(Files, File.Delete);
        Assert.Equal(expected, await serving.RunAsync(Prompt, Greedy));
        Assert.Equal(0, serving.Scheduler.Statistics.CachedTokens);
        Assert.Empty(_warnings);
    }

    [Fact]
    public async Task TheFilesUsedLongestAgoMakeRoom()
    {
        await RunAsync(Prompt, Options, cached: 0);
        long block = new FileInfo(Files[0]).Length;
        int[] second = [.. Enumerable.Range(900, Tokens)];
        SchedulerOptions four = Options with { PromptCacheBytes = (4 * block) + 100 };
        await RunAsync(second, four, cached: 0);
        Assert.Equal(4, Files.Length);
        await RunAsync(second, four, cached: Stored);

        // Of the first prompt its beginning is left: the rest is of no use without it.
        await RunAsync(Prompt, four, cached: 64);
        Assert.Equal(4, Files.Length);
        await RunAsync(Prompt, four with { PromptCacheBytes = block - 1 }, cached: 0);
        Assert.Empty(Files);
        Assert.Empty(_warnings);
    }

    [Fact]
    public async Task OtherFormsOfTheCacheAndOtherModelsFindNothing()
    {
        await RunAsync(Prompt, Options, cached: 0);
        await RunAsync(Prompt, Options with { KvType = KvType.F32 }, cached: 0);
        await using ServingModel other = ServingModel.Demo(Options, new ModelOptions { Compute = ComputePath.Reference });
        Assert.Equal(2, other.Scheduler.ContextLength / 200);
        await using GenerationJob job = other.Scheduler.Submit(Prompt.AsMemory(0, 70), Greedy with { MaxTokens = 1 }, TestContext.Current.CancellationToken);
        await ServingModel.CollectAsync(job);
        Assert.Equal(0, job.Timings.CachedTokens);
    }

    [Fact]
    public async Task AFolderThatCannotBeUsedIsSaidAtTheStart()
    {
        await File.WriteAllTextAsync(_folder.PathOf("cache"), "a file", TestContext.Current.CancellationToken);
        Assert.Throws<IOException>(() => ServingModel.Scripted(new ScriptedModel(), Options));
    }

    [Fact]
    public async Task AFolderThatGoesOnlyCostsTime()
    {
        await using ServingModel serving = ServingModel.Scripted(new ScriptedModel(), Options);
        Directory.Delete(_folder.PathOf("cache"));
        Assert.Equal(Alone(Prompt), await serving.RunAsync(Prompt, Greedy));
        await serving.Scheduler.ShutDownAsync(TimeSpan.FromSeconds(60));
        Assert.NotEmpty(_warnings);
    }

    private static List<GenerationUpdate> Alone(int[] prompt)
    {
        using Session session = new ScriptedModel().CreateSession(1000);
        return [.. session.Generate(prompt, Greedy, TestContext.Current.CancellationToken)];
    }

    /// <summary>Runs a prompt in a process of its own, so to speak.</summary>
    private static async Task<List<GenerationUpdate>> RunAsync(int[] prompt, SchedulerOptions options, int? cached)
    {
        await using ServingModel serving = ServingModel.Scripted(new ScriptedModel(), options);
        List<GenerationUpdate> updates = await serving.RunAsync(prompt, Greedy);
        Assert.Equal(cached ?? serving.Scheduler.Statistics.CachedTokens, serving.Scheduler.Statistics.CachedTokens);
        await serving.Scheduler.ShutDownAsync(TimeSpan.FromSeconds(60));
        return updates;
    }

    private void Note(string warning)
    {
        lock (_warnings)
        {
            _warnings.Add(warning);
        }
    }
}
