namespace CpuMoe.ServerLoad;

/// <summary>What is measured.</summary>
internal sealed record LoadOptions
{
    /// <summary>Arguments of the server beside slots, queue, port and prompt cache.</summary>
    public required IReadOnlyList<string> Server { get; init; }

    /// <summary>Slots that are compared with one.</summary>
    public required int Slots { get; init; }

    /// <summary>Streams at once.</summary>
    public required int Streams { get; init; }

    /// <summary>How long they go on.</summary>
    public required TimeSpan Time { get; init; }

    /// <summary>Tokens of each reply.</summary>
    public required int Tokens { get; init; }

    /// <summary>Different prompts.</summary>
    public required int Prompts { get; init; }

    /// <summary>Tokens of the long prompts, at least.</summary>
    public required int PromptTokens { get; init; }
}
