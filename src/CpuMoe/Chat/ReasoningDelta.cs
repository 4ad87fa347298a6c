namespace CpuMoe.Chat;

/// <summary>A piece of an answer, split into thought and text.</summary>
/// <param name="Reasoning">New text of the thought, possibly empty.</param>
/// <param name="Content">New text of the answer, possibly empty.</param>
public readonly record struct ReasoningDelta(string Reasoning, string Content);
