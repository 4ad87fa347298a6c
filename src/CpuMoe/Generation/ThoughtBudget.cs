namespace CpuMoe.Generation;

/// <summary>Limits the thought before an answer: after so many tokens of it the closing tokens are forced, and the answer begins.</summary>
/// <param name="MaxTokens">The most tokens between the opening and the closing, 0 or more.</param>
/// <param name="IsOpen">Whether the prompt ends inside the thought; else it begins with <paramref name="Open"/>.</param>
/// <param name="Open">The ids that open a thought.</param>
/// <param name="Close">The ids that close it.</param>
public sealed record ThoughtBudget(int MaxTokens, bool IsOpen, IReadOnlyList<int> Open, IReadOnlyList<int> Close)
{
    /// <summary>Throws where the budget cannot be kept with a vocabulary.</summary>
    /// <exception cref="ArgumentException">A negative number of tokens, or ids that are missing or out of range.</exception>
    internal void Validate(int vocabularySize)
    {
        if (MaxTokens < 0)
        {
            throw new ArgumentException($"A thought of at most {MaxTokens} tokens cannot be; give 0 or more.");
        }

        if (Close.Count == 0 || (Open.Count == 0 && !IsOpen))
        {
            throw new ArgumentException("A limited thought needs the ids that close it and, unless it is open already, those that open it.");
        }

        foreach (int id in (IEnumerable<int>)[.. Open, .. Close])
        {
            if ((uint)id >= (uint)vocabularySize)
            {
                throw new ArgumentException($"Token {id} cannot open or close a thought: ids go from 0 to {vocabularySize - 1}.");
            }
        }
    }
}
