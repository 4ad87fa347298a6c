using CpuMoe.Generation;
using CpuMoe.Serving;
using CpuMoe.Text;

namespace CpuMoe.Server.OpenAi;

/// <summary>Collects how likely the tokens of a continuation were; where they stand is counted from its beginning.</summary>
/// <param name="tokenizer">Tells what tokens are.</param>
/// <param name="prompt">The tokens before the continuation.</param>
/// <param name="job">Makes the continuation.</param>
internal sealed class CompletionLogprobCollector(Tokenizer tokenizer, int[] prompt, GenerationJob job)
{
    private readonly List<string> _tokens = [];
    private readonly List<float?> _logprobs = [];
    private readonly List<IReadOnlyDictionary<string, float>?> _top = [];
    private readonly List<int> _offsets = [];
    private int _offset;
    private int _promptTokens;

    /// <summary>Adds a step, and with the first one the prompt where that is told of; the end of the text is no token of it.</summary>
    public void Add(in GenerationUpdate update)
    {
        for (; _promptTokens < job.PromptLogprobs.Count; _promptTokens++)
        {
            Add(prompt[_promptTokens], job.PromptLogprobs[_promptTokens]);
        }

        if (update.Logprobs is { } step && !tokenizer.Vocabulary.EndOfGeneration.Contains(update.TokenId))
        {
            Add(update.TokenId, step);
        }
    }

    /// <summary>Takes out what was collected; null where that is nothing.</summary>
    public CompletionLogprobs? Take()
    {
        if (_tokens.Count == 0)
        {
            return null;
        }

        CompletionLogprobs result = new([.. _tokens], [.. _logprobs], [.. _top], [.. _offsets]);
        _tokens.Clear();
        _logprobs.Clear();
        _top.Clear();
        _offsets.Clear();
        return result;
    }

    private void Add(int id, TokenLogprobs? known)
    {
        string text = LogprobWriter.TextOf(id, tokenizer);
        _tokens.Add(text);
        _offsets.Add(_offset);
        _offset += text.Length;
        if (known is not { } step)
        {
            _logprobs.Add(null);
            _top.Add(null);
            return;
        }

        _logprobs.Add(LogprobWriter.Value(step.Chosen));
        Dictionary<string, float> top = [];
        foreach (TokenLogprob token in step.Top)
        {
            // Half characters may look alike; the likelier one stays.
            top.TryAdd(LogprobWriter.TextOf(token.TokenId, tokenizer), LogprobWriter.Value(token));
        }

        _top.Add(top);
    }
}
