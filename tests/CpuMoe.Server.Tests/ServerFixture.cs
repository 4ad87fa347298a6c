using System.Text.Json.Nodes;
using CpuMoe.Generation;
using CpuMoe.Serving;
using CpuMoe.Testing;

[assembly: AssemblyFixture(typeof(CpuMoe.Server.Tests.ServerFixture))]

namespace CpuMoe.Server.Tests;

/// <summary>The bundled model, and a server of it that all tests share.</summary>
public sealed class ServerFixture : IAsyncLifetime
{
    public LanguageModel Model { get; } = LanguageModel.Load(TestData.DemoModel);

    public RunningServer Server { get; private set; } = null!;

    /// <summary>A logit bias with which only the context ends a reply.</summary>
    public JsonObject NeverEnd => new(Model.Tokenizer.Vocabulary.EndOfGeneration.Select(id => KeyValuePair.Create(id.ToString(System.Globalization.CultureInfo.InvariantCulture), (JsonNode?)-100)));

    public async ValueTask InitializeAsync() =>
        Server = await RunningServer.StartAsync(Model, new SchedulerOptions { Slots = 4, QueueLength = 64 }, options => options.Aliases.Add("gpt-*"));

    public Task<RunningServer> StartAsync(Action<ServerOptions>? configure = null, int slots = 1, int queue = 4) =>
        RunningServer.StartAsync(Model, new SchedulerOptions { Slots = slots, QueueLength = queue }, configure);

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Model.Dispose();
    }
}
