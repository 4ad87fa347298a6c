namespace CpuMoe.Grammars.Automata;

/// <summary>Follows ends and beginnings of rules until every stack waits for a byte or a token.</summary>
internal sealed class Closure(StateStore store, Automaton automaton)
{
    // Beyond this many stacks at once a text is given up. Ambiguous grammars can have exponentially many.
    private const int MaxStacks = 512;

    private readonly Stack<Frame> _open = [];
    private readonly HashSet<Frame> _seen = [];
    private readonly List<Frame> _tops = [];
    private bool _canEnd;

    /// <summary>The frames looked at so far.</summary>
    public long Steps { get; private set; }

    /// <summary>Begins anew.</summary>
    public void Clear()
    {
        _open.Clear();
        _seen.Clear();
        _tops.Clear();
        _canEnd = false;
    }

    /// <summary>Adds a stack whose topmost rule is in a state; nothing where it cannot be completed in the depth that is left.</summary>
    public void Add(RuleState? state, Frame? parent)
    {
        if (state is not null && state != StateStore.NoState && Frame.DepthOf(parent) + 1 + (long)state.Height <= automaton.MaxDepth)
        {
            Frame frame = store.Intern(state, parent);
            if (_seen.Add(frame))
            {
                _open.Push(frame);
            }
        }
    }

    /// <summary>The configuration of all that was added; that of too many where there are too many stacks.</summary>
    public Configuration Complete()
    {
        while (_open.TryPop(out Frame? frame))
        {
            Steps++;
            RuleState state = frame.State!;
            if (state.Reads)
            {
                _tops.Add(frame);
            }

            if (state.IsFinal)
            {
                Return(frame.Parent);
            }

            foreach (RuleCall call in store.CallsOf(state))
            {
                Enter(call, frame.Parent);
            }

            if (_tops.Count > MaxStacks || _seen.Count > 16 * MaxStacks)
            {
                return store.TooMany;
            }
        }

        return store.Intern([.. _tops], _canEnd);
    }

    private void Enter(RuleCall call, Frame? parent)
    {
        if (call.Return is { } state)
        {
            if (state == StateStore.NoState || Frame.DepthOf(parent) + 1 + (long)state.Height > automaton.MaxDepth)
            {
                return;
            }

            parent = store.Intern(state, parent);
        }

        if (call.Edge.Kind == EdgeKind.Loop)
        {
            parent = store.Intern(call.Edge.Argument, 1, parent);
        }

        Add(store.StartOf(automaton.RuleOf(call.Edge)), parent);
    }

    private void Return(Frame? to)
    {
        if (to is null)
        {
            _canEnd = true;
        }
        else if (to.State is not null)
        {
            Add(to.State, to.Parent);
        }
        else if (_seen.Add(to))
        {
            Loop loop = automaton.Loops[to.Loop];
            bool mayEnd = to.Count >= loop.Min;
            if (to.Count < loop.Max)
            {
                // Without a maximum there is nothing to count once the minimum is reached.
                int count = loop.Max == RepeatExpression.Unlimited && mayEnd ? to.Count : to.Count + 1;
                Add(store.StartOf(loop.Rule), store.Intern(to.Loop, count, to.Parent));
            }

            if (mayEnd)
            {
                Return(to.Parent);
            }
        }
    }
}
