namespace CpuMoe.Grammars.Automata;

/// <summary>
/// How many frames must fit above a position so that its rule can be completed. With it a limit on the depth of the
/// stack leads into no dead end: what could not be completed within the limit is never begun.
/// </summary>
/// <remarks>
/// The height of a position is the least, over all ways to the end of its rule, of the largest number of frames on the
/// way; found in the order of heights as shortest paths are (Knuth 1977, "A generalization of Dijkstra's algorithm").
/// </remarks>
internal static class CompletionHeights
{
    /// <summary>The heights of all positions; those that are not completed within the limit get one more than it.</summary>
    public static int[] Compute(Automaton automaton)
    {
        Position[] positions = automaton.Positions;
        int limit = automaton.MaxDepth;
        (int[] ends, int[] sources) = Predecessors(automaton);
        var heights = new int[positions.Length];
        Array.Fill(heights, limit + 1);
        var byHeight = new Stack<int>[limit + 1];
        for (int height = 0; height <= limit; height++)
        {
            byHeight[height] = [];
        }

        for (int i = 0; i < positions.Length; i++)
        {
            if (positions[i].Kind == EdgeKind.Final)
            {
                byHeight[0].Push(i);
            }
        }

        for (int height = 0; height <= limit; height++)
        {
            while (byHeight[height].TryPop(out int at))
            {
                if (heights[at] <= limit)
                {
                    continue;
                }

                heights[at] = height;
                foreach (int source in sources.AsSpan(ends[at]..ends[at + 1]))
                {
                    int candidate = HeightOf(positions[source]);
                    if (heights[source] > limit && candidate <= limit)
                    {
                        byHeight[candidate].Push(source);
                    }
                }
            }
        }

        return heights;

        int HeightOf(Position position) => position.Kind switch
        {
            EdgeKind.Free => Math.Min(heights[position.Target], position.Other < 0 ? limit + 1 : heights[position.Other]),
            EdgeKind.Call or EdgeKind.Loop => Math.Max(heights[position.Target], FramesOf(automaton, position) + heights[automaton.Starts[automaton.RuleOf(position)]]),
            _ => heights[position.Target],
        };
    }

    /// <summary>The frames that entering a rule puts below its own: one to return to, unless nothing comes after, and one to count.</summary>
    private static int FramesOf(Automaton automaton, Position position) =>
        (automaton.Positions[position.Target].Kind == EdgeKind.Final ? 0 : 1) + (position.Kind == EdgeKind.Loop ? 1 : 0);

    /// <summary>The positions whose height depends on that of position i: the sources from ends[i] to ends[i + 1].</summary>
    private static (int[] Ends, int[] Sources) Predecessors(Automaton automaton)
    {
        Position[] positions = automaton.Positions;
        var ends = new int[positions.Length + 2];
        ForEach((source, target) => ends[target + 2]++);
        for (int i = 2; i < ends.Length; i++)
        {
            ends[i] += ends[i - 1];
        }

        var sources = new int[ends[^1]];
        ForEach((source, target) => sources[ends[target + 1]++] = source);
        return (ends, sources);

        void ForEach(Action<int, int> visit)
        {
            for (int i = 0; i < positions.Length; i++)
            {
                Position position = positions[i];
                if (position.Target >= 0)
                {
                    visit(i, position.Target);
                }

                if (position.Other >= 0)
                {
                    visit(i, position.Other);
                }

                if (position.Kind is EdgeKind.Call or EdgeKind.Loop)
                {
                    visit(i, automaton.Starts[automaton.RuleOf(position)]);
                }
            }
        }
    }
}
