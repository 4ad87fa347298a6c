namespace CpuMoe.Grammars.Automata;

/// <summary>What leads from a position to the next.</summary>
internal enum EdgeKind : byte
{
    /// <summary>Nothing: no text goes on from here.</summary>
    Dead,

    /// <summary>The end of a rule.</summary>
    Final,

    /// <summary>Nothing needed; leads to two positions, or to one.</summary>
    Free,

    /// <summary>A byte of the set with the number <see cref="Position.Argument"/>.</summary>
    Bytes,

    /// <summary>A text of the rule with the number <see cref="Position.Argument"/>.</summary>
    Call,

    /// <summary>Texts of a rule in a row, as the loop with the number <see cref="Position.Argument"/> says.</summary>
    Loop,

    /// <summary>The token with the id <see cref="Position.Argument"/>.</summary>
    Token,
}

/// <summary>A position in a rule and its way on.</summary>
/// <param name="Kind">What is needed to go on.</param>
/// <param name="Argument">A number, by kind.</param>
/// <param name="Target">Where it leads.</param>
/// <param name="Other">Where a free edge leads too, or -1.</param>
internal readonly record struct Position(EdgeKind Kind, int Argument = 0, int Target = -1, int Other = -1);

/// <summary>A counted repetition: texts of a rule, none of them empty, between <paramref name="Min"/> (1 or more) and <paramref name="Max"/> times.</summary>
internal readonly record struct Loop(int Rule, int Min, int Max);

/// <summary>
/// A context-free grammar over bytes and tokens as a recursive transition network (Woods 1970, https://doi.org/10.1145/355598.362773):
/// one nondeterministic automaton per rule, whose edges are bytes, tokens and calls of rules.
/// </summary>
internal sealed class Automaton
{
    private readonly byte[] _classes = new byte[256];

    /// <summary>Creates the network and divides the bytes into classes that no set tells apart.</summary>
    /// <param name="positions">All positions.</param>
    /// <param name="starts">The first position of each rule.</param>
    /// <param name="sets">The sets that positions refer to.</param>
    /// <param name="loops">The loops that positions refer to.</param>
    /// <param name="names">The name of each rule.</param>
    /// <param name="root">The rule of the whole text.</param>
    /// <param name="maxDepth">The most frames on a stack.</param>
    public Automaton(Position[] positions, int[] starts, ByteSet[] sets, Loop[] loops, string[] names, int root, int maxDepth)
    {
        (Positions, Starts, Sets, Loops, Names, Root, MaxDepth) = (positions, starts, sets, loops, names, root, maxDepth);
        Representatives = Classify();
        LeftRecursion.Refuse(this);
        Heights = CompletionHeights.Compute(this);
    }

    public Position[] Positions { get; }

    public int[] Starts { get; }

    public ByteSet[] Sets { get; }

    public Loop[] Loops { get; }

    public string[] Names { get; }

    public int Root { get; }

    /// <summary>The most frames on a stack.</summary>
    public int MaxDepth { get; }

    /// <summary>For each position how many frames must fit above it so that its rule can be completed; more than <see cref="MaxDepth"/> where it cannot.</summary>
    public int[] Heights { get; }

    /// <summary>One byte of each class.</summary>
    public byte[] Representatives { get; }

    /// <summary>The class of each byte.</summary>
    public ReadOnlySpan<byte> Classes => _classes;

    /// <summary>The rule that an edge of kind call or loop enters.</summary>
    public int RuleOf(Position position) => position.Kind == EdgeKind.Call ? position.Argument : Loops[position.Argument].Rule;

    private byte[] Classify()
    {
        List<byte> representatives = [0];
        Dictionary<byte, byte> divided = [];
        foreach (ByteSet set in Sets)
        {
            // What the set contains of a class leaves it for a new one, unless that is the whole class.
            divided.Clear();
            for (int b = 0; b < 256; b++)
            {
                byte old = _classes[b];
                if (set.Contains((byte)b) == set.Contains(representatives[old]))
                {
                    continue;
                }

                if (!divided.TryGetValue(old, out byte part))
                {
                    part = (byte)representatives.Count;
                    representatives.Add((byte)b);
                    divided.Add(old, part);
                }

                _classes[b] = part;
            }
        }

        return [.. representatives];
    }
}
