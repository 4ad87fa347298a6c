using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using CpuMoe.Generation;

namespace CpuMoe.Cli.Arguments;

/// <summary>The options that say how an answer is generated, shared by <c>run</c> and <c>chat</c>.</summary>
internal sealed class SamplingArguments
{
    private static readonly SamplerOptions Defaults = new();

    private readonly Option<int?> _maxTokens = NumberOption.Create<int>(
        "-n", "N", "The most tokens to generate; -1: until the answer ends or the context is full [-1]", n => n is -1 or > 0, "a positive integer or -1", "--max-tokens");

    private readonly Option<float?> _temperature = NumberOption.Create<float>(
        "--temp", "T", $"Softmax temperature; 0 always takes the most likely token [{Text(Defaults.Temperature)}]", t => t >= 0, "a number of 0 or more", "--temperature");

    private readonly Option<int?> _topK = NumberOption.Create<int>(
        "--top-k", "K", $"Keep the K most likely tokens; 0 keeps all [{Defaults.TopK}]", k => k >= 0, "an integer of 0 or more");

    private readonly Option<float?> _topP = NumberOption.Create<float>(
        "--top-p", "P", $"Keep the most likely tokens that together have probability P; 1 keeps all [{Text(Defaults.TopP)}]", p => p is > 0 and <= 1, "a number above 0 and at most 1");

    private readonly Option<float?> _minP = NumberOption.Create<float>(
        "--min-p", "P", $"Keep tokens at least P times as likely as the most likely one; 0 keeps all [{Text(Defaults.MinP)}]", p => p is >= 0 and <= 1, "a number from 0 to 1");

    private readonly Option<float?> _repeatPenalty = NumberOption.Create<float>(
        "--repeat-penalty", "R", $"Weaken recent tokens by this factor; 1 is off [{Text(Defaults.RepeatPenalty)}]", r => r > 0, "a number above 0");

    private readonly Option<float?> _presencePenalty = NumberOption.Create<float>(
        "--presence-penalty", "X", $"Subtracted once from the logit of a recent token; 0 is off [{Text(Defaults.PresencePenalty)}]", _ => true, "a number");

    private readonly Option<float?> _frequencyPenalty = NumberOption.Create<float>(
        "--frequency-penalty", "X", $"Subtracted from the logit of a recent token for each occurrence; 0 is off [{Text(Defaults.FrequencyPenalty)}]", _ => true, "a number");

    private readonly Option<ulong?> _seed = NumberOption.Create<ulong>(
        "--seed", "S", "Seed of the random generator [drawn]", _ => true, "an integer of 0 or more");

    private readonly Option<string[]> _stop = new("--stop")
    {
        HelpName = "TEXT",
        Description = "A text that ends the answer and is not part of it (repeatable)",
    };

    private readonly Option<KeyValuePair<int, float>[]> _logitBias = new("--logit-bias")
    {
        HelpName = "ID=VALUE",
        Description = "Added to the logit of a token id; -inf bans the token (repeatable)",
        CustomParser = ParseLogitBiases,
    };

    /// <summary>Adds the options to a command.</summary>
    public SamplingArguments(Command command)
    {
        _stop.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => token.Value.Length == 0))
            {
                result.AddError("--stop must not be empty");
            }
        });
        foreach (Option option in (Option[])[_maxTokens, _temperature, _topK, _topP, _minP, _repeatPenalty, _presencePenalty, _frequencyPenalty, _seed, _stop, _logitBias])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>What the user chose.</summary>
    public GenerationOptions Read(ParseResult arguments) => new()
    {
        MaxTokens = arguments.GetValue(_maxTokens) ?? -1,
        StopStrings = arguments.GetValue(_stop) ?? [],
        Sampling = new SamplerOptions
        {
            Temperature = arguments.GetValue(_temperature) ?? Defaults.Temperature,
            TopK = arguments.GetValue(_topK) ?? Defaults.TopK,
            TopP = arguments.GetValue(_topP) ?? Defaults.TopP,
            MinP = arguments.GetValue(_minP) ?? Defaults.MinP,
            RepeatPenalty = arguments.GetValue(_repeatPenalty) ?? Defaults.RepeatPenalty,
            PresencePenalty = arguments.GetValue(_presencePenalty) ?? Defaults.PresencePenalty,
            FrequencyPenalty = arguments.GetValue(_frequencyPenalty) ?? Defaults.FrequencyPenalty,
            Seed = arguments.GetValue(_seed),
            LogitBias = arguments.GetValue(_logitBias) is { Length: > 0 } biases ? Merge(biases) : null,
        },
    };

    /// <summary>Checks what only the model can tell: that biased ids exist.</summary>
    public static void CheckAgainst(GenerationOptions options, LanguageModel model)
    {
        int count = model.Tokenizer.Vocabulary.Count;
        foreach (int id in options.Sampling.LogitBias?.Keys ?? [])
        {
            if (id >= count)
            {
                throw new CliException($"--logit-bias: the model has no token {id}; its ids are 0 to {count - 1}");
            }
        }
    }

    private static KeyValuePair<int, float>[]? ParseLogitBiases(ArgumentResult result)
    {
        List<KeyValuePair<int, float>> biases = [];
        foreach (Token token in result.Tokens)
        {
            string[] parts = token.Value.Split('=');
            if (parts.Length != 2 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int id) || !TryParseBias(parts[1], out float value))
            {
                result.AddError($"--logit-bias must be ID=VALUE with a token id and a number or -inf, not '{token.Value}'");
                return null;
            }

            biases.Add(new(id, value));
        }

        return [.. biases];
    }

    private static bool TryParseBias(string text, out float value)
    {
        if (text.Equals("-inf", StringComparison.OrdinalIgnoreCase))
        {
            value = float.NegativeInfinity;
            return true;
        }

        return float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && float.IsFinite(value);
    }

    // The last value given for an id counts, as with every other option.
    private static Dictionary<int, float> Merge(KeyValuePair<int, float>[] biases)
    {
        Dictionary<int, float> merged = [];
        foreach ((int id, float value) in biases)
        {
            merged[id] = value;
        }

        return merged;
    }

    private static string Text(float value) => value.ToString(CultureInfo.InvariantCulture);
}
