using CpuMoe.Chat.Templates;

namespace CpuMoe.Serving;

/// <summary>Answers conversations: renders the prompt, constrains and generates, and takes the reply apart.</summary>
/// <remarks>Safe for concurrent use.</remarks>
public sealed class ChatEngine
{
    /// <summary>Creates an engine.</summary>
    /// <param name="scheduler">Generates; it must outlive the engine.</param>
    /// <param name="template">The chat template; null for that of the model.</param>
    /// <exception cref="ChatTemplateException">The model has no usable template.</exception>
    public ChatEngine(Scheduler scheduler, ChatTemplate? template = null) => throw new NotImplementedException();

    /// <summary>Generates.</summary>
    public Scheduler Scheduler => throw new NotImplementedException();

    /// <summary>The chat template.</summary>
    public ChatTemplate Template => throw new NotImplementedException();

    /// <summary>The prompt of a request.</summary>
    /// <exception cref="ChatTemplateException">The template refuses the conversation.</exception>
    /// <exception cref="ArgumentException">A tool's schema or a message that cannot be rendered.</exception>
    public RenderedPrompt Render(ChatRequest request) => throw new NotImplementedException();

    /// <summary>The tokens of the prompt of a request.</summary>
    public int CountTokens(ChatRequest request) => throw new NotImplementedException();

    /// <summary>Checks, renders and admits a request; what can be refused is refused here.</summary>
    /// <exception cref="ChatTemplateException">The template refuses the conversation.</exception>
    /// <exception cref="Grammars.GrammarException">A schema that cannot be enforced.</exception>
    /// <exception cref="PromptTooLongException">No room for an answer.</exception>
    /// <exception cref="SchedulerBusyException">The queue is full, or the scheduler shuts down.</exception>
    /// <exception cref="ArgumentException">An option out of range, an unknown tool in <see cref="ChatRequest.AllowedTools"/>, or tools required of a request without any.</exception>
    public ChatReply Submit(ChatRequest request, CancellationToken cancellationToken = default) => throw new NotImplementedException();
}

/// <summary>A reply in the making. Enumerate it once; disposing it stops the work.</summary>
public sealed class ChatReply : IAsyncEnumerable<ChatUpdate>, IAsyncDisposable
{
    internal ChatReply() => throw new NotImplementedException();

    /// <summary>Tokens of the prompt.</summary>
    public int PromptTokens => throw new NotImplementedException();

    /// <inheritdoc/>
    public IAsyncEnumerator<ChatUpdate> GetAsyncEnumerator(CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
