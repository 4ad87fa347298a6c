namespace CpuMoe.Generation;

/// <summary>How the next token is chosen from the logits.</summary>
public sealed record SamplerOptions
{
    /// <summary>Always the token with the largest logit.</summary>
    public static SamplerOptions Greedy { get; } = new() { Temperature = 0 };

    /// <summary>Softmax temperature, 0 or more; 0 is greedy.</summary>
    public float Temperature { get; init; } = 0.8f;

    /// <summary>Keep the k most likely tokens; 0 keeps all.</summary>
    public int TopK { get; init; } = 40;

    /// <summary>Keep the smallest set of most likely tokens whose probabilities sum to p, in (0, 1]; 1 keeps all.</summary>
    public float TopP { get; init; } = 0.95f;

    /// <summary>Keep tokens at least this fraction as likely as the most likely one, in [0, 1]; 0 keeps all.</summary>
    public float MinP { get; init; } = 0.05f;

    /// <summary>Divides positive and multiplies negative logits of recent tokens; 1 is off.</summary>
    public float RepeatPenalty { get; init; } = 1;

    /// <summary>Subtracted once from the logit of each recent token; 0 is off.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Subtracted from the logit of a recent token for each occurrence; 0 is off.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>How many recent tokens the penalties look at; -1 means all.</summary>
    public int PenaltyWindow { get; init; } = 64;

    /// <summary>Added to the logits of the given ids; -infinity bans a token.</summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; init; }

    /// <summary>Seed of the random generator; null draws one.</summary>
    public ulong? Seed { get; init; }
}
