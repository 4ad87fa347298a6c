namespace CpuMoe.Grammars.Automata;

/// <summary>Finds rules that come back to themselves before any byte is read; following them would never end.</summary>
internal static class LeftRecursion
{
    /// <summary>Throws for the first left-recursive rule.</summary>
    /// <exception cref="GrammarException">Names the rules of the circle.</exception>
    public static void Refuse(Automaton automaton)
    {
        int[][] first = FirstCalls(automaton);
        var states = new State[first.Length];
        Stack<(int Rule, int Next)> path = [];
        for (int root = 0; root < first.Length; root++)
        {
            Enter(root);
            while (path.TryPop(out (int Rule, int Next) top))
            {
                if (top.Next == first[top.Rule].Length)
                {
                    states[top.Rule] = State.Done;
                    continue;
                }

                path.Push(top with { Next = top.Next + 1 });
                int called = first[top.Rule][top.Next];
                if (states[called] == State.OnPath)
                {
                    throw Circle(automaton, [.. path.Select(step => step.Rule)], called);
                }

                Enter(called);
            }
        }

        void Enter(int rule)
        {
            if (states[rule] == State.New)
            {
                states[rule] = State.OnPath;
                path.Push((rule, 0));
            }
        }
    }

    private enum State : byte
    {
        New,
        OnPath,
        Done,
    }

    /// <summary>For each rule the rules it may begin with.</summary>
    private static int[][] FirstCalls(Automaton automaton)
    {
        // A rule that may be empty lets the rule after it come first; which rules may be empty depends on the same
        // search, which is repeated for a rule when one of those it begins with turns out to be empty.
        int rules = automaton.Starts.Length;
        var first = new HashSet<int>[rules];
        var callers = new List<int>[rules];
        var isNullable = new bool[rules];
        Queue<int> work = new(Enumerable.Range(0, rules));
        for (int rule = 0; rule < rules; rule++)
        {
            first[rule] = [];
            callers[rule] = [];
        }

        while (work.TryDequeue(out int rule))
        {
            HashSet<int> seen = [automaton.Starts[rule]];
            Stack<int> reached = new(seen);
            bool wasNullable = isNullable[rule];
            while (reached.TryPop(out int at))
            {
                Position position = automaton.Positions[at];
                isNullable[rule] |= position.Kind == EdgeKind.Final;
                bool passes = position.Kind == EdgeKind.Free;
                if (position.Kind is EdgeKind.Call or EdgeKind.Loop)
                {
                    int called = automaton.RuleOf(position);
                    if (first[rule].Add(called))
                    {
                        callers[called].Add(rule);
                    }

                    passes = isNullable[called];
                }

                Reach(passes ? position.Target : -1);
                Reach(passes ? position.Other : -1);
            }

            if (isNullable[rule] && !wasNullable)
            {
                callers[rule].ForEach(work.Enqueue);
            }

            void Reach(int position)
            {
                if (position >= 0 && seen.Add(position))
                {
                    reached.Push(position);
                }
            }
        }

        return Array.ConvertAll(first, set => set.ToArray());
    }

    private static GrammarException Circle(Automaton automaton, int[] path, int rule)
    {
        // The path runs from its end to its beginning.
        string[] names = [.. path.Take(Array.IndexOf(path, rule) + 1).Reverse().Append(rule).Select(r => automaton.Names[r])];
        string shown = names.Length <= 8 ? string.Join(" -> ", names) : string.Join(" -> ", [.. names[..4], "...", .. names[^3..]]);
        return new GrammarException(
            $"the rule is left-recursive: it begins with itself ({shown}). Rewrite it with a repetition, for example 'a ::= b (\",\" b)*' instead of 'a ::= a \",\" b | b'.",
            $"rule {automaton.Names[rule]}");
    }
}
