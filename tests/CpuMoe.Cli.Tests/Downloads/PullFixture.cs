using CpuMoe.Cli.Downloads;

namespace CpuMoe.Cli.Tests.Downloads;

/// <summary>A hub, an empty store, and pulls with small ranges and short waits.</summary>
internal sealed class PullFixture : IAsyncDisposable
{
    public const int Chunk = 4096;

    private PullFixture(FakeHub hub) => Hub = hub;

    public FakeHub Hub { get; }

    public string Folder { get; } = Path.Combine(Path.GetTempPath(), $"cpumoe-pull-{Guid.NewGuid():N}");

    public ModelStore Store => new(Folder);

    public PullMeter Meter { get; private set; } = new();

    public PullSettings Settings => new()
    {
        Endpoint = Hub.Address,
        Token = "hf_token",
        Connections = 3,
        ChunkBytes = Chunk,
        TransferAttempts = 3,
        ListingAttempts = 3,
        FirstWait = TimeSpan.FromMilliseconds(1),
        LongestWait = TimeSpan.FromMilliseconds(4),
        JournalInterval = TimeSpan.FromMilliseconds(20),
    };

    public static async Task<PullFixture> CreateAsync() => new(await FakeHub.StartAsync());

    public Task<string> PullAsync(string name = "hf:some/model", CancellationToken cancellation = default) => PullAsync(Settings, name, cancellation);

    public async Task<string> PullAsync(PullSettings settings, string name = "hf:some/model", CancellationToken cancellation = default)
    {
        Meter = new PullMeter();
        using ModelPull pull = new(settings, Store, Meter);
        return await pull.RunAsync(await pull.PrepareAsync(ModelReference.Parse(name), cancellation), cancellation);
    }

    /// <summary>The message of a pull that must fail: one line, and no file under a final name.</summary>
    public async Task<string> FailAsync(string name = "hf:some/model", PullSettings? settings = null)
    {
        CliException fault = await Assert.ThrowsAsync<CliException>(() => PullAsync(settings ?? Settings, name));
        Assert.DoesNotContain('\n', fault.Message);
        Assert.DoesNotContain("secret", fault.Message, StringComparison.Ordinal);
        Assert.Empty(FinalFiles());
        Assert.DoesNotContain(Store.List(), model => model.Complete);
        return fault.Message;
    }

    /// <summary>Everything that has the name of a model.</summary>
    public string[] FinalFiles() => Find("*.gguf");

    /// <summary>Everything that belongs to an incomplete file.</summary>
    public string[] PartialFiles() => Find("*.partial*");

    public async ValueTask DisposeAsync()
    {
        await Hub.DisposeAsync();
        if (Directory.Exists(Folder))
        {
            Directory.Delete(Folder, recursive: true);
        }
    }

    private string[] Find(string pattern) => Directory.Exists(Folder) ? Directory.GetFiles(Folder, pattern, SearchOption.AllDirectories) : [];
}
