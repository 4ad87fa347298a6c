using CpuMoe.Generation;
using CpuMoe.Serving;

namespace CpuMoe.Extensions.AI;

/// <summary>A model with its scheduler and engine, disposed together.</summary>
internal sealed class LoadedModel : IAsyncDisposable
{
    private readonly LanguageModel _model;
    private readonly Scheduler _scheduler;

    /// <summary>Loads what the options name.</summary>
    public LoadedModel(CpuMoeOptions options)
    {
        _model = LanguageModel.Load(options.ModelPath, options.Model);
        try
        {
            Chat.Templates.ChatTemplate? template = options.LoadTemplate(_model);
            _scheduler = new Scheduler(_model, options.Scheduler);
            Engine = new ChatEngine(_scheduler, template);
        }
        catch
        {
            // Nothing runs yet, so this does not wait.
            _scheduler?.DisposeAsync().AsTask().GetAwaiter().GetResult();
            _model.Dispose();
            throw;
        }
    }

    /// <summary>The engine.</summary>
    public ChatEngine Engine { get; }

    /// <summary>Cancels what runs, then closes the model.</summary>
    public async ValueTask DisposeAsync()
    {
        await _scheduler.DisposeAsync().ConfigureAwait(false);
        _model.Dispose();
    }
}
