using CpuMoe.Grammars;
using CpuMoe.Text;

namespace CpuMoe.Generation;

/// <summary>What one generation carries from token to token: turns logits into the next token and its text.</summary>
internal sealed class GenerationState
{
    private readonly int _vocabularySize;
    private readonly int _maxTokens;
    private readonly int _contextLength;
    private readonly Sampler _sampler;
    private readonly GrammarConstraint? _constraint;
    private readonly ThoughtLimit? _thought;
    private readonly LogprobRecorder? _logprobs;
    private readonly OutputText _output;
    private volatile int _generated;

    /// <summary>Starts a generation.</summary>
    /// <param name="tokenizer">The tokenizer of the model.</param>
    /// <param name="options">The options, which were validated.</param>
    /// <param name="contextLength">The most tokens, those of the prompt included.</param>
    public GenerationState(Tokenizer tokenizer, GenerationOptions options, int contextLength)
    {
        _vocabularySize = tokenizer.Vocabulary.Count;
        _maxTokens = options.MaxTokens > 0 ? options.MaxTokens : int.MaxValue;
        _contextLength = contextLength;
        _sampler = new Sampler(options.Sampling, _vocabularySize);
        _constraint = options.Grammar?.CreateConstraint(tokenizer);
        _thought = options.ThoughtBudget is { } budget ? new ThoughtLimit(budget) : null;
        _logprobs = options.Logprobs is { } top ? new LogprobRecorder(top, _vocabularySize) : null;
        _output = new OutputText(tokenizer, options);
    }

    /// <summary>How many more tokens there may be.</summary>
    /// <param name="tokens">Tokens of the prompt.</param>
    public int Remaining(int tokens) => Math.Min(_maxTokens, _contextLength - tokens) - _generated;

    /// <summary>Throws where a prompt is empty or has ids that the vocabulary lacks.</summary>
    /// <exception cref="ArgumentException">What is wrong.</exception>
    public static void CheckPrompt(ReadOnlySpan<int> prompt, Vocabulary vocabulary)
    {
        if (prompt.IsEmpty)
        {
            throw new ArgumentException("The prompt is empty; it needs at least one token, for example the beginning-of-sequence token.", nameof(prompt));
        }

        for (int i = 0; i < prompt.Length; i++)
        {
            if ((uint)prompt[i] >= (uint)vocabulary.Count)
            {
                throw new ArgumentException(
                    $"Token {i} of the prompt is {prompt[i]}, but ids go from 0 to {vocabulary.Count - 1}. Encode the prompt with the tokenizer of this model.", nameof(prompt));
            }
        }
    }

    /// <summary>Chooses the next token.</summary>
    /// <param name="logits">The logits behind the last token, changed on the way; rows beyond the vocabulary are padding.</param>
    /// <param name="tokens">The tokens so far, prompt included.</param>
    /// <param name="isLast">Whether the generation ends with it as if the token limit were reached.</param>
    /// <exception cref="GrammarException">The grammar is too ambiguous, or the vocabulary lacks what it needs.</exception>
    /// <exception cref="InvalidOperationException">No token can be chosen.</exception>
    public GenerationUpdate Next(Span<float> logits, ReadOnlySpan<int> tokens, bool isLast = false)
    {
        logits = logits[.._vocabularySize];
        _logprobs?.Take(logits);
        int token = Choose(logits, tokens);
        _thought?.Append(token);
        _generated++;
        string text = _output.Append(token);
        FinishReason reason =
            _output.IsStopped || _constraint is { IsComplete: true } ? FinishReason.Stop
            : isLast || _generated == _maxTokens ? FinishReason.Length
            : tokens.Length + 1 == _contextLength ? FinishReason.Context
            : FinishReason.None;
        if (reason != FinishReason.None)
        {
            // What was held back may contain a stop string after all.
            text += _output.Flush();
            reason = _output.IsStopped ? FinishReason.Stop : reason;
        }

        return new GenerationUpdate(token, text, reason, _logprobs?.Of(token), _output.StopString);
    }

    /// <summary>How likely a token of the prompt was, where <see cref="GenerationOptions.PromptLogprobs"/> asks for it.</summary>
    /// <param name="logits">The logits behind the token before it.</param>
    /// <param name="token">The token.</param>
    public TokenLogprobs LogprobsOf(ReadOnlySpan<float> logits, int token)
    {
        _logprobs!.Take(logits[.._vocabularySize]);
        return _logprobs.Of(token);
    }

    private int Choose(Span<float> logits, ReadOnlySpan<int> tokens)
    {
        // In the middle of a character, say, a grammar does not let a thought be closed; then it is a little later.
        if (_thought is { Forced: >= 0 and var forced } && _constraint?.Accept(forced) != false)
        {
            return forced;
        }

        _constraint?.Allow(logits);
        int token = _sampler.Sample(logits, tokens);
        _constraint?.Accept(token);
        return token;
    }
}
