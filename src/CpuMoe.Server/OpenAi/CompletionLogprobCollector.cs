using CpuMoe.Generation;
using CpuMoe.Text;

namespace CpuMoe.Server.OpenAi;

/// <summary>Collects how likely the tokens of a continuation were; where they stand is counted from its beginning.</summary>
internal sealed class CompletionLogprobCollector(Tokenizer tokenizer)
{
    private readonly List<string> _tokens = [];
    private readonly List<float> _logprobs = [];
    private readonly List<IReadOnlyDictionary<string, float>> _top = [];
    private readonly List<int> _offsets = [];
    private int _offset;

    /// <summary>Adds a step; the end of the text is no token of it.</summary>
    public void Add(TokenLogprobs step)
    {
        if (tokenizer.Vocabulary.EndOfGeneration.Contains(step.Chosen.TokenId))
        {
            return;
        }

        string text = LogprobWriter.TextOf(step.Chosen.TokenId, tokenizer);
        _tokens.Add(text);
        _logprobs.Add(LogprobWriter.Value(step.Chosen));
        _offsets.Add(_offset);
        _offset += text.Length;
        Dictionary<string, float> top = [];
        foreach (TokenLogprob token in step.Top)
        {
            // Half characters may look alike; the likelier one stays.
            top.TryAdd(LogprobWriter.TextOf(token.TokenId, tokenizer), LogprobWriter.Value(token));
        }

        _top.Add(top);
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
}
