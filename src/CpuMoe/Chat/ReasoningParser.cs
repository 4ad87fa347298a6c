namespace CpuMoe.Chat;

/// <summary>A piece of an answer, split into thought and text.</summary>
/// <param name="Reasoning">New text of the thought, possibly empty.</param>
/// <param name="Content">New text of the answer, possibly empty.</param>
public readonly record struct ReasoningDelta(string Reasoning, string Content);

/// <summary>Separates the thought from the answer in a stream of text, at every possible split of the stream.</summary>
public sealed class ReasoningParser
{
    /// <summary>Adds text; returns what is certain now.</summary>
    public ReasoningDelta Append(string text) => throw new NotImplementedException();

    /// <summary>Ends the stream; returns what was held back.</summary>
    public ReasoningDelta Flush() => throw new NotImplementedException();
}
