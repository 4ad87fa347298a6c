using CpuMoe.Generation;
using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Serving;
using CpuMoe.Testing;
using CpuMoe.Tests.Generation;

namespace CpuMoe.Tests.Serving;

/// <summary>A scheduler on a <see cref="ScriptedModel"/> or on the bundled model.</summary>
internal sealed class ServingModel : IAsyncDisposable
{
    private ServingModel(LanguageModel model, SchedulerOptions options)
    {
        Model = model;
        Scheduler = new Scheduler(model, options);
    }

    public LanguageModel Model { get; }

    public Scheduler Scheduler { get; }

    public static ServingModel Scripted(ScriptedModel model, SchedulerOptions options) => Of(model, options);

    public static ServingModel Of(Model model, SchedulerOptions options) =>
        new(new LanguageModel(GgufFile.Open(TestData.DemoModel), model, ScriptedModel.Tokenizer, TimeSpan.Zero), options);

    public static ServingModel Demo(SchedulerOptions options, ModelOptions? model = null) => new(LanguageModel.Load(TestData.DemoModel, model), options);

    /// <summary>What a session generates, alone on the model.</summary>
    public List<GenerationUpdate> Alone(int[] prompt, GenerationOptions options)
    {
        using Session session = Model.CreateSession(new SessionOptions { ContextLength = Scheduler.ContextLength });
        return [.. session.Generate(prompt, options, TestContext.Current.CancellationToken)];
    }

    public async Task<List<GenerationUpdate>> RunAsync(int[] prompt, GenerationOptions options)
    {
        await using GenerationJob job = Scheduler.Submit(prompt, options, TestContext.Current.CancellationToken);
        return await CollectAsync(job);
    }

    public static async Task<List<GenerationUpdate>> CollectAsync(GenerationJob job)
    {
        List<GenerationUpdate> updates = [];
        await foreach (GenerationUpdate update in job)
        {
            updates.Add(update);
        }

        return updates;
    }

    /// <summary>Waits until the scheduler has nothing to do.</summary>
    public async Task<SchedulerStatistics> IdleAsync()
    {
        while (Scheduler.Statistics is { } now)
        {
            if (now is { Running: 0, Waiting: 0 })
            {
                return now;
            }

            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        throw new InvalidOperationException();
    }

    public async ValueTask DisposeAsync()
    {
        await Scheduler.DisposeAsync();
        Model.Dispose();
    }
}
