using System.Globalization;

namespace CpuMoe.Generation;

/// <summary>How the next token is chosen from the logits.</summary>
/// <remarks>
/// The steps, in this order: logit bias, penalties, top-k, top-p, min-p, temperature, draw. Top-p and min-p look at the
/// probabilities before temperature, top-p at those relative to the tokens that top-k kept.
/// </remarks>
public sealed record SamplerOptions
{
    /// <summary>Always the token with the largest logit, the lowest id among equals.</summary>
    public static SamplerOptions Greedy { get; } = new() { Temperature = 0 };

    /// <summary>Softmax temperature, 0 or more; 0 is greedy.</summary>
    public float Temperature { get; init; } = 0.8f;

    /// <summary>Keep the k most likely tokens; 0 keeps all.</summary>
    public int TopK { get; init; } = 40;

    /// <summary>Keep the smallest set of most likely tokens whose probabilities sum to p, in (0, 1]; 1 keeps all.</summary>
    public float TopP { get; init; } = 0.95f;

    /// <summary>Keep tokens at least this fraction as likely as the most likely one, in [0, 1]; 0 keeps all.</summary>
    public float MinP { get; init; } = 0.05f;

    /// <summary>Divides positive and multiplies negative logits of recent tokens, more than 0; 1 is off.</summary>
    public float RepeatPenalty { get; init; } = 1;

    /// <summary>Subtracted once from the logit of each recent token; 0 is off.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Subtracted from the logit of a recent token for each occurrence; 0 is off.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>How many recent tokens, those of the prompt included, the penalties look at; -1 means all.</summary>
    public int PenaltyWindow { get; init; } = 64;

    /// <summary>Added to the logits of the given ids; -infinity bans a token.</summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; init; }

    /// <summary>Seed of the random generator; null draws one.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Throws for the first option out of range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Names the option, its value and the accepted range.</exception>
    internal void Validate(int vocabularySize)
    {
        Check(float.IsFinite(Temperature) && Temperature >= 0, nameof(Temperature), Temperature, "a finite number, 0 (greedy) or more");
        Check(TopK >= 0, nameof(TopK), TopK, "0 (keep all) or more");
        Check(TopP is > 0 and <= 1, nameof(TopP), TopP, "in (0, 1], where 1 keeps all");
        Check(MinP is >= 0 and <= 1, nameof(MinP), MinP, "in [0, 1], where 0 keeps all");
        Check(float.IsFinite(RepeatPenalty) && RepeatPenalty > 0, nameof(RepeatPenalty), RepeatPenalty, "a finite number above 0, where 1 is off");
        Check(float.IsFinite(PresencePenalty), nameof(PresencePenalty), PresencePenalty, "a finite number, where 0 is off");
        Check(float.IsFinite(FrequencyPenalty), nameof(FrequencyPenalty), FrequencyPenalty, "a finite number, where 0 is off");
        Check(PenaltyWindow >= -1, nameof(PenaltyWindow), PenaltyWindow, "-1 (all tokens), 0 (off) or more");
        foreach ((int id, float bias) in LogitBias ?? new Dictionary<int, float>())
        {
            Check((uint)id < (uint)vocabularySize, nameof(LogitBias), id, $"keyed by token ids from 0 to {vocabularySize - 1}");
            Check(bias < float.PositiveInfinity, $"{nameof(LogitBias)}[{id}]", bias, "a finite number, or -infinity to ban the token");
        }
    }

    private static void Check<T>(bool isValid, string option, T value, string range)
        where T : IFormattable
    {
        if (!isValid)
        {
            throw new ArgumentOutOfRangeException(option, $"{option} is {value.ToString(null, CultureInfo.InvariantCulture)}, but must be {range}.");
        }
    }
}
