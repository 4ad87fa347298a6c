using CpuMoe.Generation;

namespace CpuMoe.Serving;

/// <summary>Runs several generations on one model: they share each pass over the weights.</summary>
/// <remarks>Safe for concurrent use.</remarks>
public sealed class Scheduler : IAsyncDisposable
{
    /// <summary>Starts the scheduler; the model must outlive it.</summary>
    public Scheduler(LanguageModel model, SchedulerOptions? options = null) => throw new NotImplementedException();

    /// <summary>The model.</summary>
    public LanguageModel Model => throw new NotImplementedException();

    /// <summary>Tokens per slot, prompt and answer together.</summary>
    public int ContextLength => throw new NotImplementedException();

    /// <summary>What the scheduler does and did.</summary>
    public SchedulerStatistics Statistics => throw new NotImplementedException();

    /// <summary>Checks a request and admits it to the queue; the work begins when a slot is free.</summary>
    /// <exception cref="PromptTooLongException">No room for an answer.</exception>
    /// <exception cref="SchedulerBusyException">The queue is full, or the scheduler shuts down.</exception>
    /// <exception cref="ArgumentException">An empty prompt, an id out of range, or an option out of range.</exception>
    public GenerationJob Submit(ReadOnlyMemory<int> prompt, GenerationOptions options, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Refuses new requests, lets running ones finish for <paramref name="grace"/>, then cancels them.</summary>
    public Task ShutDownAsync(TimeSpan grace) => throw new NotImplementedException();

    /// <summary>Cancels everything at once.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
