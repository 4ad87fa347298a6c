namespace CpuMoe.Grammars.Automata;

/// <summary>An edge of a state that enters a rule.</summary>
/// <param name="Edge">The edge, without its target.</param>
/// <param name="Return">The state after the rule; null where the calling rule ends with it and no frame is needed to return.</param>
internal readonly record struct RuleCall(Position Edge, RuleState? Return);

/// <summary>
/// A set of positions in one rule, between which the bytes read so far do not decide: the rule's automaton made
/// deterministic where it is used, and no further.
/// </summary>
internal sealed class RuleState(int id, int[] positions, bool isFinal, bool reads, int height, int classes)
{
    /// <summary>A number of its own.</summary>
    public int Id { get; } = id;

    /// <summary>The positions, ascending; none of them free or dead.</summary>
    public int[] Positions { get; } = positions;

    /// <summary>Whether the rule may end here.</summary>
    public bool IsFinal { get; } = isFinal;

    /// <summary>Whether a byte or a token may come here.</summary>
    public bool Reads { get; } = reads;

    /// <summary>The least height of the positions.</summary>
    public int Height { get; } = height;

    /// <summary>The state after a byte of each class, as far as known; <see cref="StateStore.NoState"/> where there is none.</summary>
    public RuleState?[] Next { get; } = new RuleState?[classes];

    /// <summary>The rules that may begin here; null until they are needed.</summary>
    public RuleCall[]? Calls { get; set; }
}

/// <summary>An entry of a stack: a state to go on from when what is above it has ended, or the count of a loop.</summary>
internal sealed class Frame(int id, RuleState? state, int loop, int count, Frame? parent)
{
    /// <summary>A number of its own.</summary>
    public int Id { get; } = id;

    /// <summary>The state; null where the frame counts a loop.</summary>
    public RuleState? State { get; } = state;

    /// <summary>The number of the loop, where there is no state.</summary>
    public int Loop { get; } = loop;

    /// <summary>Which repetition of the loop is running, from 1.</summary>
    public int Count { get; } = count;

    /// <summary>What is below.</summary>
    public Frame? Parent { get; } = parent;

    /// <summary>The number of frames up to this one.</summary>
    public int Depth { get; } = DepthOf(parent) + 1;

    /// <summary>Whether this frame or one below counts a loop.</summary>
    public bool HasLoop { get; } = state is null || parent is { HasLoop: true };

    public static int DepthOf(Frame? frame) => frame?.Depth ?? 0;
}

/// <summary>All the stacks that a text may have led to, and the state of the parser in between two bytes.</summary>
internal sealed class Configuration(StateStore store, Frame[] tops, bool canEnd, int classes)
{
    /// <summary>The store in which it is known.</summary>
    public StateStore Store { get; } = store;

    /// <summary>The topmost frames, ascending by id; all their states read bytes or tokens.</summary>
    public Frame[] Tops { get; } = tops;

    /// <summary>Whether the text may end here.</summary>
    public bool CanEnd { get; } = canEnd;

    /// <summary>Whether no text goes on from here nor ends here.</summary>
    public bool IsDead => Tops.Length == 0 && !CanEnd;

    /// <summary>The configuration after a byte of each class, as far as known.</summary>
    public Configuration?[] Next { get; } = new Configuration?[classes];

    /// <summary>The configuration after each special token that may come, null until it is needed.</summary>
    public Dictionary<int, Configuration>? Tokens { get; set; }

    /// <summary>The configuration with the same token mask that stands for all such, null until it is needed.</summary>
    public Configuration? Representative { get; set; }
}
