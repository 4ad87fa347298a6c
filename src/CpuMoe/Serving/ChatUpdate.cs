using CpuMoe.Chat;
using CpuMoe.Generation;

namespace CpuMoe.Serving;

/// <summary>Why a reply ended.</summary>
public enum ChatFinishReason
{
    /// <summary>The model ended it, or a stop string did.</summary>
    Stop,

    /// <summary>The token limit or the context ended it.</summary>
    Length,

    /// <summary>The model waits for the results of the tools that it called.</summary>
    ToolCalls,
}

/// <summary>The tokens of a request.</summary>
/// <param name="PromptTokens">Tokens of the prompt, cached ones included.</param>
/// <param name="CachedTokens">Tokens of the prompt that were not evaluated again.</param>
/// <param name="CompletionTokens">Tokens generated, those of the thought included.</param>
/// <param name="ReasoningTokens">Tokens of the thought.</param>
public sealed record ChatUsage(int PromptTokens, int CachedTokens, int CompletionTokens, int ReasoningTokens);

/// <summary>The end of a reply.</summary>
public sealed record ChatFinish(ChatFinishReason Reason, string? StopString, ChatUsage Usage, GenerationTimings Timings);

/// <summary>One step of a reply. Of a token whose text is held back there is an update without parts.</summary>
/// <param name="Parts">New pieces, possibly none.</param>
/// <param name="Logprobs">Of the token of this step, where the request asks for them and it belongs to the answer.</param>
/// <param name="Finish">In the last update only.</param>
public sealed record ChatUpdate(IReadOnlyList<ReplyPart> Parts, TokenLogprobs? Logprobs, ChatFinish? Finish);
