namespace CpuMoe.Generation;

/// <summary>Limits the thought before an answer: after so many tokens of it the closing tokens are forced, and the answer begins.</summary>
/// <param name="MaxTokens">The most tokens between the opening and the closing, 0 or more.</param>
/// <param name="IsOpen">Whether the prompt ends inside the thought; else it begins with <paramref name="Open"/>.</param>
/// <param name="Open">The ids that open a thought.</param>
/// <param name="Close">The ids that close it.</param>
public sealed record ThoughtBudget(int MaxTokens, bool IsOpen, IReadOnlyList<int> Open, IReadOnlyList<int> Close);
