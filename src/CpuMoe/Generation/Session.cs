using CpuMoe.Grammars;
using CpuMoe.Models;
using CpuMoe.Text;

namespace CpuMoe.Generation;

/// <summary>One sequence on a model: its KV cache and the tokens in it. Not safe for concurrent use.</summary>
/// <remarks>Several sessions may run on one model at the same time. Dispose sessions before their model.</remarks>
public sealed class Session : IDisposable
{
    private readonly Model _model;
    private readonly Tokenizer _tokenizer;
    private readonly Action _ensureUsable;
    private readonly KvCache _cache;

    // _tokens[.. _cache.Length] are the cached ones: written before they are evaluated, counted by the cache alone, so
    // that the two agree whatever an evaluation ends with.
    private readonly int[] _tokens;
    private readonly float[] _logits;
    private GenerationClock? _clock;
    private bool _isDisposed;

    /// <summary>Creates an empty session.</summary>
    /// <param name="model">The model, which outlives the session.</param>
    /// <param name="tokenizer">The tokenizer of the model.</param>
    /// <param name="options">The options.</param>
    /// <param name="ensureUsable">Called at the start of each generation; throws when the model cannot be used any more.</param>
    internal Session(Model model, Tokenizer tokenizer, SessionOptions options, Action ensureUsable)
    {
        _model = model;
        _tokenizer = tokenizer;
        _ensureUsable = ensureUsable;
        int capacity = SessionOptions.Positions(options.ContextLength, model);
        _tokens = new int[capacity];
        _logits = new float[model.VocabularySize];
        _cache = model.CreateCache(capacity, options.KvType);
    }

    /// <summary>The number of tokens that fit, prompt and generated ones together.</summary>
    public int ContextLength => _tokens.Length;

    /// <summary>The tokens whose keys and values are cached. The last generated token is not yet among them.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, _cache.Length);

    /// <summary>Counts and times of the last generation, running, complete or abandoned; null before the first.</summary>
    public GenerationTimings? LastTimings => _clock?.Snapshot();

    /// <summary>
    /// Generates after <paramref name="prompt"/>, which is the whole sequence from its start; the longest common prefix
    /// with the cached tokens is not evaluated again.
    /// </summary>
    /// <remarks>
    /// The arguments are checked at once; the work is done while the result is enumerated, anew for each enumeration.
    /// The enumeration may be left at any token. Starting another one ends it.
    /// </remarks>
    /// <exception cref="GrammarException">The grammar cannot be used; while enumerating: it is too ambiguous, or the vocabulary lacks what it needs.</exception>
    /// <exception cref="ArgumentException">An empty prompt, one that does not leave room for a token, an id out of range, or an option out of range.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the session stays usable.</exception>
    /// <exception cref="ObjectDisposedException">The session or its model is disposed.</exception>
    /// <exception cref="InvalidOperationException">While enumerating: another generation was started on this session, or no token can be chosen.</exception>
    public IEnumerable<GenerationUpdate> Generate(ReadOnlyMemory<int> prompt, GenerationOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        EnsureUsable();
        CheckPrompt(prompt.Span);
        options.Validate(_tokenizer);
        if (options.PromptLogprobs)
        {
            throw new ArgumentException($"A session does not report {nameof(options.PromptLogprobs)}; use a scheduler.", nameof(options));
        }

        return Run(prompt.ToArray(), options, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            _cache.Dispose();
        }
    }

    private IEnumerable<GenerationUpdate> Run(int[] prompt, GenerationOptions options, CancellationToken cancellationToken)
    {
        EnsureUsable();
        GenerationState state = new(_tokenizer, options, ContextLength);
        GenerationClock clock = StartPrompt(prompt);
        try
        {
            Evaluate(prompt.Length - _cache.Length, isPrompt: true, cancellationToken);
        }
        finally
        {
            clock.PromptEnded();
        }

        while (true)
        {
            GenerationUpdate update = state.Next(_logits, Tokens);
            clock.TokenChosen();
            yield return update;
            if (update.FinishReason != FinishReason.None)
            {
                yield break;
            }

            EnsureCurrent(clock);
            _tokens[_cache.Length] = update.TokenId;
            Evaluate(1, isPrompt: false, cancellationToken);
        }
    }

    /// <summary>Forgets the cached tokens that do not begin <paramref name="prompt"/> and notes those to evaluate.</summary>
    private GenerationClock StartPrompt(int[] prompt)
    {
        // The last token of the prompt is always evaluated: its logits are not kept.
        int common = Tokens.CommonPrefixLength(prompt.AsSpan(0, prompt.Length - 1));
        _cache.Truncate(common);
        prompt.CopyTo(_tokens, 0);
        _clock = new GenerationClock(prompt.Length);
        _clock.PromptStarted(common);
        return _clock;
    }

    /// <summary>Evaluates the <paramref name="count"/> tokens noted after the cached ones and takes the logits of the last.</summary>
    private void Evaluate(int count, bool isPrompt, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ReadOnlySpan<SequenceSegment> segment = [new SequenceSegment(_cache, count, 1, isPrompt)];
        _model.Forward(_tokens.AsSpan(_cache.Length, count), segment, _logits, cancellationToken);
    }

    private void CheckPrompt(ReadOnlySpan<int> prompt)
    {
        GenerationState.CheckPrompt(prompt, _tokenizer.Vocabulary);
        if (prompt.Length >= ContextLength)
        {
            throw new ArgumentException(
                $"The prompt has {prompt.Length} tokens, but the context holds {ContextLength}, and at least one must be left to generate. Shorten the prompt or create the session with a larger {nameof(SessionOptions.ContextLength)}.",
                nameof(prompt));
        }
    }

    private void EnsureUsable()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        _ensureUsable();
    }

    /// <summary>Between two tokens the caller may have done anything with the session.</summary>
    private void EnsureCurrent(GenerationClock clock)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (_clock != clock)
        {
            throw new InvalidOperationException("Another generation was started on this session; this one cannot go on. Use one session per sequence.");
        }
    }
}
