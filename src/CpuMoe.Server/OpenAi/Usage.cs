using CpuMoe.Generation;
using CpuMoe.Serving;

namespace CpuMoe.Server.OpenAi;

/// <summary>The tokens of a request; those of the prompt count once, however many choices there are.</summary>
internal sealed record Usage(int PromptTokens, int CompletionTokens, int TotalTokens, PromptTokensDetails PromptTokensDetails, CompletionTokensDetails CompletionTokensDetails)
{
    /// <summary>The tokens of choices with one prompt.</summary>
    public static Usage Of(IReadOnlyList<ChatUsage> choices) => Of(choices[0].PromptTokens, choices[0].CachedTokens, choices.Sum(c => c.CompletionTokens), choices.Sum(c => c.ReasoningTokens));

    /// <summary>The tokens of a request.</summary>
    public static Usage Of(int prompt, int cached, int completion, int reasoning = 0) =>
        new(prompt, completion, prompt + completion, new PromptTokensDetails(cached), new CompletionTokensDetails(reasoning));
}

/// <summary>Tokens of the prompt that were not evaluated again.</summary>
internal sealed record PromptTokensDetails(int CachedTokens);

/// <summary>Tokens of thoughts.</summary>
internal sealed record CompletionTokensDetails(int ReasoningTokens);

/// <summary>Counts and times as llama.cpp's server tells them, for user interfaces.</summary>
internal sealed record Timings(int CacheN, int PromptN, double PromptMs, double PromptPerSecond, int PredictedN, double PredictedMs, double PredictedPerSecond)
{
    /// <summary>The figures of a generation.</summary>
    public static Timings Of(GenerationTimings timings)
    {
        int evaluated = timings.PromptTokens - timings.CachedTokens;
        return new Timings(
            timings.CachedTokens,
            evaluated,
            timings.PromptTime.TotalMilliseconds,
            Rate(evaluated, timings.PromptTime),
            timings.GeneratedTokens,
            timings.GenerationTime.TotalMilliseconds,
            Rate(timings.GeneratedTokens, timings.GenerationTime));
    }

    private static double Rate(int count, TimeSpan time) => time > TimeSpan.Zero ? count / time.TotalSeconds : 0;
}
