using System.Runtime.CompilerServices;
using CpuMoe.Chat.Templates;
using CpuMoe.Generation;
using CpuMoe.Grammars;
using CpuMoe.Serving;
using Microsoft.Extensions.AI;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace CpuMoe.Extensions.AI;

/// <summary>The engine as a chat client of Microsoft.Extensions.AI, in this process.</summary>
/// <remarks>
/// <para>
/// Safe for concurrent use: requests run side by side in the slots of the scheduler, further ones wait. The client keeps
/// no conversation; give it all messages each time. What a slot still has of them is not evaluated again
/// (<see cref="UsageDetails.CachedInputTokenCount"/>).
/// </para>
/// <para>
/// Thoughts are <see cref="TextReasoningContent"/>, calls whole <see cref="FunctionCallContent"/>s; the client never
/// invokes functions itself (see <c>UseFunctionInvocation</c>). Of <see cref="ChatOptions.AdditionalProperties"/> it
/// takes <c>min_p</c>, <c>repeat_penalty</c>, <c>grammar</c> (GBNF), <c>enable_thinking</c>, <c>thinking_budget</c> and
/// <c>chat_template_kwargs</c> (a JSON object); a <see cref="ChatOptions.RawRepresentationFactory"/> may give
/// <see cref="GenerationOptions"/>, whose values, where they differ from the defaults, win over the others.
/// </para>
/// <para>
/// Beside what the contract of <see cref="IChatClient"/> names, requests fail with <see cref="ArgumentException"/>
/// (an option out of range, another model, a malformed message), <see cref="NotSupportedException"/> (images and other
/// contents that are no text; server-side conversations), <see cref="GrammarException"/> (a schema that cannot be
/// enforced), <see cref="ChatTemplateException"/> (the template refuses the conversation),
/// <see cref="PromptTooLongException"/> and <see cref="SchedulerBusyException"/>.
/// </para>
/// </remarks>
public sealed class CpuMoeChatClient : IChatClient, IAsyncDisposable
{
    private readonly ChatEngine _engine;
    private readonly LoadedModel? _owned;
    private readonly ChatClientMetadata _metadata;
    private readonly RequestFactory _requests;
    private bool _isDisposed;

    /// <summary>Loads a model, which is closed with the client.</summary>
    /// <exception cref="ArgumentException">No model is named, or an option is out of range.</exception>
    /// <exception cref="Gguf.GgufFormatException">The file is malformed or cannot be run.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="ChatTemplateException">There is no usable chat template.</exception>
    /// <exception cref="Experts.MemoryBudgetException">The memory budget does not leave room for the contexts.</exception>
    public CpuMoeChatClient(CpuMoeOptions options)
        : this(Load(options), options)
    {
    }

    /// <summary>Uses an engine that others own; it must outlive the client's requests.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="options">How to answer where a request does not say; what concerns loading is not looked at.</param>
    public CpuMoeChatClient(ChatEngine engine, CpuMoeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(engine);
        options ??= new CpuMoeOptions();
        _engine = engine;
        string modelId = options.ModelId ?? ModelName.Of(engine.Scheduler.Model.File.Path);
        _metadata = new ChatClientMetadata("cpumoe", providerUri: null, modelId);
        _requests = new RequestFactory(modelId, options);
    }

    private CpuMoeChatClient(LoadedModel model, CpuMoeOptions options)
        : this(model.Engine, options) => _owned = model;

    /// <inheritdoc/>
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ChatFinish? finish = null;
        ChatResponse response = await Watch(Generate(messages, options, cancellationToken)).ToChatResponseAsync(cancellationToken).ConfigureAwait(false);
        response.RawRepresentation = finish;
        return response;

        async IAsyncEnumerable<ChatResponseUpdate> Watch(IAsyncEnumerable<ChatResponseUpdate> updates)
        {
            await foreach (ChatResponseUpdate update in updates.ConfigureAwait(false))
            {
                finish = (update.RawRepresentation as ChatUpdate)?.Finish ?? finish;
                yield return update;
            }
        }
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return Generate(messages, options, cancellationToken);
    }

    /// <inheritdoc/>
    /// <remarks>Gives the client itself, its <see cref="ChatClientMetadata"/>, the <see cref="ChatEngine"/>, the <see cref="Scheduler"/> and the <see cref="LanguageModel"/>.</remarks>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType.IsInstanceOfType(this) ? this
            : serviceType == typeof(ChatClientMetadata) ? _metadata
            : serviceType == typeof(ChatEngine) ? _engine
            : serviceType == typeof(Scheduler) ? _engine.Scheduler
            : serviceType == typeof(LanguageModel) ? _engine.Scheduler.Model
            : null;
    }

    /// <summary>Closes the model if the client loaded it; requests that run are cancelled. An engine of others stays as it is.</summary>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _isDisposed, true) || _owned is null ? ValueTask.CompletedTask : _owned.DisposeAsync();

    private static LoadedModel Load(CpuMoeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.ModelPath.Length > 0 ? new LoadedModel(options)
            : throw new ArgumentException($"{nameof(CpuMoeOptions)}.{nameof(CpuMoeOptions.ModelPath)} is empty; name a GGUF file.", nameof(options));
    }

    private async IAsyncEnumerable<ChatResponseUpdate> Generate(
        IEnumerable<ChatMessage> messages, ChatOptions? options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ChatRequest request = _requests.Create(messages, options, this);
        ResponseWriter writer = new(_metadata.DefaultModelId!, showReasoning: options?.Reasoning?.Output != ReasoningOutput.None);
        await using ChatReply reply = _engine.Submit(request, cancellationToken);
        await foreach (ChatUpdate update in reply.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            if (writer.Convert(update) is { } converted)
            {
                yield return converted;
            }
        }
    }
}
