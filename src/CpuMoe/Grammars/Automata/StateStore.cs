using System.Runtime.InteropServices;

namespace CpuMoe.Grammars.Automata;

/// <summary>
/// The states, frames and configurations of an automaton that were met so far, each only once, so that they are equal
/// where they are the same object. Thrown away as a whole when it has become too large. Not safe for concurrent use.
/// </summary>
internal sealed class StateStore
{
    /// <summary>Stands for "no state" where null stands for "not known yet".</summary>
    public static readonly RuleState NoState = new(-1, [], false, false, int.MaxValue, 0);

    private readonly Automaton _automaton;
    private readonly Dictionary<int[], RuleState> _states = new(new PositionsComparer());
    private readonly Dictionary<(int StateOrLoop, int Count, int Parent), Frame> _frames = [];
    private readonly Dictionary<(int[] Tops, bool CanEnd), Configuration> _configurations = new(new TopsComparer());
    private readonly RuleState?[] _starts;
    private readonly Closure _closure;
    private readonly HashSet<int> _reached = [];
    private readonly Stack<int> _open = [];

    /// <summary>Creates an empty store.</summary>
    public StateStore(Automaton automaton)
    {
        _automaton = automaton;
        _starts = new RuleState?[automaton.Starts.Length];
        _closure = new Closure(this, automaton);
        Dead = Intern([], canEnd: false);
        TooMany = new Configuration(this, [], canEnd: false, automaton.Representatives.Length);
    }

    /// <summary>The configuration without a way on.</summary>
    public Configuration Dead { get; }

    /// <summary>Stands for more stacks than are followed; dead, too.</summary>
    public Configuration TooMany { get; }

    /// <summary>A measure of the memory taken: about the number of references and integers.</summary>
    public long Size { get; private set; }

    /// <summary>The steps of closures so far, a measure of the time spent on what was not known yet.</summary>
    public long Steps => _closure.Steps;

    /// <summary>The configuration of an empty text.</summary>
    public Configuration Start()
    {
        _closure.Clear();
        _closure.Add(StartOf(_automaton.Root), null);
        return _closure.Complete();
    }

    /// <summary>The configuration after a byte of a class.</summary>
    public Configuration Advance(Configuration from, int byteClass) => from.Next[byteClass] ??= Compute(from, byteClass);

    /// <summary>The configurations after each of the special tokens that may come.</summary>
    public Dictionary<int, Configuration> Tokens(Configuration from)
    {
        if (from.Tokens is not null)
        {
            return from.Tokens;
        }

        from.Tokens = [];
        foreach (int token in from.Tops.SelectMany(top => top.State!.Positions).Select(at => _automaton.Positions[at])
            .Where(position => position.Kind == EdgeKind.Token).Select(position => position.Argument).Distinct())
        {
            _closure.Clear();
            foreach (Frame top in from.Tops)
            {
                _closure.Add(Step(top.State!, position => position.Kind == EdgeKind.Token && position.Argument == token), top.Parent);
            }

            if (_closure.Complete() is { IsDead: false } next)
            {
                from.Tokens.Add(token, next);
            }
        }

        return from.Tokens;
    }

    /// <summary>
    /// The configuration that stands for all those from which the same texts of at most <paramref name="horizon"/> bytes
    /// are possible, as far as only the counts of loops differ, none of whose borders is within reach.
    /// </summary>
    public Configuration Representative(Configuration configuration, int horizon) =>
        configuration.Representative ??= Intern([.. configuration.Tops.Select(top => Clamp(top, horizon)!)], configuration.CanEnd);

    /// <summary>The same configuration in this store.</summary>
    public Configuration Adopt(Configuration configuration)
    {
        return configuration.Store == this ? configuration : Intern([.. configuration.Tops.Select(top => Copy(top)!)], configuration.CanEnd);

        Frame? Copy(Frame? frame) => frame switch
        {
            null => null,
            { State: { } state } => Intern(Intern(state.Positions), Copy(frame.Parent)),
            _ => Intern(frame.Loop, frame.Count, Copy(frame.Parent)),
        };
    }

    /// <summary>The first state of a rule.</summary>
    public RuleState StartOf(int rule) => _starts[rule] ??= Closed([_automaton.Starts[rule]]);

    /// <summary>The rules that may begin in a state.</summary>
    public RuleCall[] CallsOf(RuleState state)
    {
        // Calls that end the calling rule need no frame to return to; the others share one for each rule.
        return state.Calls ??=
        [
            .. state.Positions.Select(at => _automaton.Positions[at])
                .Where(position => position.Kind is EdgeKind.Call or EdgeKind.Loop)
                .GroupBy(edge => (Edge: edge with { Target = -1 }, IsLast: _automaton.Positions[edge.Target].Kind == EdgeKind.Final))
                .Select(group => new RuleCall(group.Key.Edge, group.Key.IsLast ? null : Closed(group.Select(edge => edge.Target)))),
        ];
    }

    /// <summary>The frame of a state.</summary>
    public Frame Intern(RuleState state, Frame? parent) => Intern((state.Id, 0, parent?.Id ?? -1), state, 0, parent);

    /// <summary>The frame of a loop.</summary>
    public Frame Intern(int loop, int count, Frame? parent) => Intern((-1 - loop, count, parent?.Id ?? -1), null, loop, parent);

    /// <summary>The configuration of some stacks, given by their topmost frames in any order.</summary>
    public Configuration Intern(Frame[] tops, bool canEnd)
    {
        Array.Sort(tops, (a, b) => a.Id.CompareTo(b.Id));
        tops = [.. tops.Distinct()];
        int[] key = Array.ConvertAll(tops, top => top.Id);
        if (!_configurations.TryGetValue((key, canEnd), out Configuration? configuration))
        {
            int classes = _automaton.Representatives.Length;
            configuration = new Configuration(this, tops, canEnd, classes);
            _configurations.Add((key, canEnd), configuration);
            Size += classes + (3 * tops.Length) + 32;
        }

        return configuration;
    }

    private Configuration Compute(Configuration from, int byteClass)
    {
        _closure.Clear();
        byte value = _automaton.Representatives[byteClass];
        foreach (Frame top in from.Tops)
        {
            RuleState next = top.State!.Next[byteClass] ??= Step(
                top.State, position => position.Kind == EdgeKind.Bytes && _automaton.Sets[position.Argument].Contains(value));
            _closure.Add(next, top.Parent);
        }

        return _closure.Complete();
    }

    private RuleState Step(RuleState from, Func<Position, bool> passes) =>
        Closed(from.Positions.Select(at => _automaton.Positions[at]).Where(passes).Select(position => position.Target));

    private RuleState Closed(IEnumerable<int> positions)
    {
        _reached.Clear();
        foreach (int position in positions)
        {
            _open.Push(position);
        }

        List<int> kept = [];
        while (_open.TryPop(out int at))
        {
            if (at < 0 || !_reached.Add(at) || _automaton.Heights[at] > _automaton.MaxDepth)
            {
                continue;
            }

            Position position = _automaton.Positions[at];
            if (position.Kind == EdgeKind.Free)
            {
                _open.Push(position.Target);
                _open.Push(position.Other);
            }
            else
            {
                kept.Add(at);
            }
        }

        kept.Sort();
        return kept.Count == 0 ? NoState : Intern([.. kept]);
    }

    private RuleState Intern(int[] positions)
    {
        if (!_states.TryGetValue(positions, out RuleState? state))
        {
            int classes = _automaton.Representatives.Length;
            state = new RuleState(
                _states.Count,
                positions,
                positions.Any(at => _automaton.Positions[at].Kind == EdgeKind.Final),
                positions.Any(at => _automaton.Positions[at].Kind is EdgeKind.Bytes or EdgeKind.Token),
                positions.Min(at => _automaton.Heights[at]),
                classes);
            _states.Add(positions, state);
            Size += classes + positions.Length + 32;
        }

        return state;
    }

    private Frame Intern((int StateOrLoop, int Count, int Parent) key, RuleState? state, int loop, Frame? parent)
    {
        ref Frame? frame = ref CollectionsMarshal.GetValueRefOrAddDefault(_frames, key, out bool isKnown);
        if (!isKnown)
        {
            frame = new Frame(_frames.Count, state, loop, key.Count, parent);
            Size += 24;
        }

        return frame!;
    }

    private Frame? Clamp(Frame? frame, int horizon)
    {
        if (frame is not { HasLoop: true })
        {
            return frame;
        }

        Frame? parent = Clamp(frame.Parent, horizon);
        return frame.State is not null
            ? Intern(frame.State, parent)
            : Intern(frame.Loop, Clamp(frame.Count, _automaton.Loops[frame.Loop], horizon), parent);
    }

    private static int Clamp(int count, Loop loop, int horizon) =>
        count + (long)horizon < loop.Min ? 1 // The loop cannot end within the horizon, and can go on.
        : count >= loop.Min && count + (long)horizon < loop.Max ? loop.Min // It can end and go on at each repetition.
        : count;

    private sealed class PositionsComparer : IEqualityComparer<int[]>
    {
        public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(int[] obj) => HashOf(obj);

        public static int HashOf(int[] values)
        {
            HashCode hash = default;
            hash.AddBytes(MemoryMarshal.AsBytes(values.AsSpan()));
            return hash.ToHashCode();
        }
    }

    private sealed class TopsComparer : IEqualityComparer<(int[] Tops, bool CanEnd)>
    {
        public bool Equals((int[] Tops, bool CanEnd) x, (int[] Tops, bool CanEnd) y) => x.CanEnd == y.CanEnd && x.Tops.AsSpan().SequenceEqual(y.Tops);

        public int GetHashCode((int[] Tops, bool CanEnd) obj) => PositionsComparer.HashOf(obj.Tops) + (obj.CanEnd ? 1 : 0);
    }
}
