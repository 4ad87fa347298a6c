using CpuMoe.Chat;
using CpuMoe.Generation;
using CpuMoe.Text;

namespace CpuMoe.Serving;

/// <summary>A reply in the making. Enumerate it once; disposing it, or leaving the enumeration, stops the work.</summary>
/// <remarks>The enumeration throws what that of a <see cref="GenerationJob"/> throws.</remarks>
public sealed class ChatReply : IAsyncEnumerable<ChatUpdate>, IAsyncDisposable
{
    private readonly GenerationJob _job;
    private readonly ReplyParser _parser;
    private readonly Vocabulary _vocabulary;
    private readonly bool _endsAfterCall;
    private int _tokens;
    private int _reasoningTokens;
    private int _calls;
    private bool _isEnumerated;

    internal ChatReply(GenerationJob job, int promptTokens, ReplyParser parser, Vocabulary vocabulary, bool endsAfterCall)
    {
        _job = job;
        PromptTokens = promptTokens;
        _parser = parser;
        _vocabulary = vocabulary;
        _endsAfterCall = endsAfterCall;
    }

    /// <summary>Counts and times so far, also of a reply that was stopped.</summary>
    public GenerationTimings Timings => _job.Timings;

    /// <summary>Tokens of the prompt.</summary>
    public int PromptTokens { get; }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">It was enumerated before.</exception>
    public IAsyncEnumerator<ChatUpdate> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _isEnumerated, true))
        {
            throw new InvalidOperationException("A reply can be enumerated only once. Collect its updates, or submit the request again.");
        }

        return Run(cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _job.DisposeAsync();

    private async IAsyncEnumerator<ChatUpdate> Run(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (GenerationUpdate update in _job.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                IReadOnlyList<ReplyPart> parts = Read(update, out bool isAnswer);
                bool isLast = update.FinishReason != FinishReason.None;
                if (_endsAfterCall && _calls > 0)
                {
                    // The generation is ahead of its reader: stop it before its figures are read.
                    await _job.DisposeAsync().ConfigureAwait(false);
                    parts = [.. parts.TakeWhile(part => part is not ToolCallEnd), parts.First(part => part is ToolCallEnd)];
                    isLast = true;
                }

                yield return new ChatUpdate(parts, isAnswer ? update.Logprobs : null, isLast ? Finish(update) : null);
                if (isLast)
                {
                    yield break;
                }
            }
        }
        finally
        {
            await _job.DisposeAsync().ConfigureAwait(false);
        }
    }

    private IReadOnlyList<ReplyPart> Read(GenerationUpdate update, out bool isAnswer)
    {
        bool wasThinking = _parser.IsThinking;
        IReadOnlyList<ReplyPart> parts = _parser.Append(update.Text);
        _tokens++;
        _reasoningTokens += wasThinking || _parser.IsThinking ? 1 : 0;
        isAnswer = _parser.IsInContent && !_vocabulary.EndOfGeneration.Contains(update.TokenId);
        if (update.FinishReason != FinishReason.None)
        {
            parts = [.. parts, .. _parser.Flush(wasCut: update.FinishReason is FinishReason.Length or FinishReason.Context)];
        }

        _calls += parts.Count(part => part is ToolCallEnd);
        return parts;
    }

    private ChatFinish Finish(GenerationUpdate update)
    {
        ChatFinishReason reason = _calls > 0 ? ChatFinishReason.ToolCalls
            : update.FinishReason is FinishReason.Length or FinishReason.Context ? ChatFinishReason.Length
            : ChatFinishReason.Stop;
        GenerationTimings timings = _job.Timings;
        return new ChatFinish(reason, update.StopString, new ChatUsage(PromptTokens, timings.CachedTokens, _tokens, _reasoningTokens), timings);
    }
}
