using CpuMoe.Grammars;
using CpuMoe.Text;

namespace CpuMoe.Generation;

/// <summary>Options of one generation.</summary>
public sealed record GenerationOptions
{
    /// <summary>The largest value of <see cref="Logprobs"/>.</summary>
    public const int MaxLogprobs = 20;

    /// <summary>The most tokens to generate; 0 or less means until the context is full.</summary>
    public int MaxTokens { get; init; }

    /// <summary>How tokens are chosen.</summary>
    public SamplerOptions Sampling { get; init; } = new();

    /// <summary>Texts that end the generation; they are not part of the output. None may be empty.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>
    /// What the text must be; null allows anything. Applied before all steps of the sampler. The text is complete unless
    /// the token limit, the context or a stop string cuts it short.
    /// </summary>
    public Grammar? Grammar { get; init; }

    /// <summary>The most tokens of a thought, and how it is closed then; null for no limit.</summary>
    public ThoughtBudget? ThoughtBudget { get; init; }

    /// <summary>The number of most likely tokens to report with each token, 0 to <see cref="MaxLogprobs"/>; null reports no probabilities.</summary>
    public int? Logprobs { get; init; }

    /// <summary>
    /// Whether the probabilities of the prompt's tokens are reported, too, in <see cref="Serving.GenerationJob.PromptLogprobs"/>:
    /// <see cref="Logprobs"/> says how. All of the prompt is evaluated then, whatever is cached. A <see cref="Session"/> cannot do it.
    /// </summary>
    public bool PromptLogprobs { get; init; }

    /// <summary>Whether control tokens appear in the text.</summary>
    public bool ShowControl { get; init; }

    /// <summary>Whether end-of-generation tokens are ignored (for benchmarks).</summary>
    public bool IgnoreEndOfGeneration { get; init; }

    /// <summary>
    /// Who asks: where several wait for the same <see cref="Serving.Scheduler"/>, each gets a slot in turn, so that one
    /// with many requests does not hold up the others. Null is one of them. It changes no token.
    /// </summary>
    public string? Client { get; init; }

    /// <summary>Throws for the first option that cannot be used with the tokens of a vocabulary.</summary>
    /// <exception cref="GrammarException">The grammar cannot be used.</exception>
    /// <exception cref="ArgumentException">An option out of range.</exception>
    internal void Validate(Tokenizer tokenizer)
    {
        int count = tokenizer.Vocabulary.Count;
        Sampling.Validate(count);
        StopMatcher.Check(StopStrings);
        ThoughtBudget?.Validate(count);
        if (Logprobs is < 0 or > MaxLogprobs)
        {
            throw new ArgumentException($"{nameof(Logprobs)} is {Logprobs}, but must be 0 to {MaxLogprobs}, or null for none.");
        }

        if (PromptLogprobs && Logprobs is null)
        {
            throw new ArgumentException($"{nameof(PromptLogprobs)} needs {nameof(Logprobs)}.");
        }

        Grammar?.CreateConstraint(tokenizer);
    }
}
