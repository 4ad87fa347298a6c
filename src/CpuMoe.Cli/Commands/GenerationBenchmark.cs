using CpuMoe.Generation;
using CpuMoe.Models;

namespace CpuMoe.Cli.Commands;

/// <summary>
/// Times generation as it happens: a new random prompt for each repetition, then tokens that the model chooses, so that
/// experts change as they do in use. Nothing is read into memory before, but by one untimed prompt and a few tokens.
/// </summary>
internal sealed class GenerationBenchmark : IDisposable
{
    // Of the untimed repetition: enough to meet all code.
    private const int WarmUpTokens = 16;

    // Flat enough that random weights do not end in a loop of few tokens.
    private static readonly SamplerOptions Sampling = new() { Temperature = 1, TopK = 40, TopP = 1, MinP = 0 };

    private readonly LanguageModel _model;
    private readonly Session _session;
    private readonly int _prompt;
    private readonly int _generated;
    private readonly CancellationToken _cancellation;

    /// <param name="model">The model.</param>
    /// <param name="prompt">Tokens of each prompt, 1 or more.</param>
    /// <param name="generated">Tokens evaluated one by one after it.</param>
    /// <param name="kvType">The format of the cache.</param>
    /// <param name="cancellation">Ends a measurement.</param>
    public GenerationBenchmark(LanguageModel model, int prompt, int generated, KvType kvType, CancellationToken cancellation)
    {
        _model = model;
        _prompt = prompt;
        _generated = generated;
        _cancellation = cancellation;

        // The last token that is chosen is not evaluated.
        _session = model.CreateSession(new SessionOptions { ContextLength = prompt + generated + 1, KvType = kvType });
    }

    /// <summary>What a token of the timed prompts cost.</summary>
    public DiskCost PrefillCost { get; private set; }

    /// <summary>What a generated token cost.</summary>
    public DiskCost DecodeCost { get; private set; }

    /// <summary>Generates a little untimed and then all <paramref name="repetitions"/>.</summary>
    public (PassTimes Prefill, PassTimes Decode) Run(int repetitions)
    {
        PassTimes prefill = new(_prompt, repetitions, 1), decode = new(_generated, repetitions, _generated);
        int untimed = Math.Min(_generated, WarmUpTokens);
        Generate(0, untimed, new PassTimes(_prompt, 1, 1), new PassTimes(untimed, 1, untimed));
        DiskCost ofPrompts = DiskCost.None, ofTokens = DiskCost.None;
        for (int number = 1; number <= repetitions; number++)
        {
            (DiskCost ofPrompt, DiskCost ofReply) = Generate(number, _generated, prefill, decode);
            ofPrompts += ofPrompt;
            ofTokens += ofReply;
        }

        PrefillCost = ofPrompts / ((double)_prompt * repetitions);
        DecodeCost = ofTokens / ((double)_generated * repetitions);
        return (prefill, decode);
    }

    public void Dispose() => _session.Dispose();

    /// <returns>What the prompt and the tokens cost.</returns>
    private (DiskCost Prefill, DiskCost Decode) Generate(int number, int generated, PassTimes prefill, PassTimes decode)
    {
        int[] prompt = Benchmark.RandomTokens(_model.Tokenizer.Vocabulary, _prompt, number);
        GenerationOptions options = new()
        {
            MaxTokens = generated + 1,
            Sampling = Sampling with { Seed = (ulong)number },
            IgnoreEndOfGeneration = true,
        };
        using IEnumerator<GenerationUpdate> tokens = _session.Generate(prompt, options, _cancellation).GetEnumerator();
        DiskCost atStart = DiskCost.Of(_model.Model);

        // The first token comes from the logits of the prompt, each further one from those of the token before.
        prefill.Start();
        tokens.MoveNext();
        prefill.Step();
        prefill.End();
        DiskCost afterPrompt = DiskCost.Of(_model.Model);
        decode.Start();
        while (tokens.MoveNext())
        {
            decode.Step();
        }

        decode.End();
        return (afterPrompt - atStart, DiskCost.Of(_model.Model) - afterPrompt);
    }
}
