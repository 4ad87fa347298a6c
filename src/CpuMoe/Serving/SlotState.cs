namespace CpuMoe.Serving;

/// <summary>What a slot of a scheduler does, at one moment; nothing in it tells of a text.</summary>
public sealed record SlotState
{
    /// <summary>The number of the slot, from 0.</summary>
    public required int Slot { get; init; }

    /// <summary>The number of the generation that runs in it, from 1 in the order of admission; null in a free slot.</summary>
    public required long? Job { get; init; }

    /// <summary>Tokens whose keys and values the slot holds; in a free slot for a prompt that begins with them.</summary>
    public required int HeldTokens { get; init; }

    /// <summary>Tokens of the prompt; 0 in a free slot.</summary>
    public required int PromptTokens { get; init; }

    /// <summary>Tokens generated so far; 0 in a free slot.</summary>
    public required int GeneratedTokens { get; init; }

    /// <summary>The most tokens that may still be generated; 0 in a free slot.</summary>
    public required int RemainingTokens { get; init; }
}
