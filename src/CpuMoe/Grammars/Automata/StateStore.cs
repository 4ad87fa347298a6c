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
    private readonly Dictionary<(int[] Tops, bool CanEnd), Configuration> _configurations = new(new ConfigurationComparer());
    private readonly RuleState?[] _starts;
    private readonly Closure _closure;
    private readonly Dictionary<int[], RuleState>.AlternateLookup<ReadOnlySpan<int>> _statesBySpan;

    // Positions to look at, those found, and for each position the last search that met it.
    private readonly Stack<int> _open = [];
    private readonly List<int> _found = [];
    private readonly int[] _met;
    private int _search;

    /// <summary>Creates an empty store.</summary>
    public StateStore(Automaton automaton)
    {
        _automaton = automaton;
        _starts = new RuleState?[automaton.Starts.Length];
        _met = new int[automaton.Positions.Length];
        _statesBySpan = _states.GetAlternateLookup<ReadOnlySpan<int>>();
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
                foreach (int at in top.State!.Positions)
                {
                    if (_automaton.Positions[at] is { Kind: EdgeKind.Token } position && position.Argument == token)
                    {
                        _open.Push(position.Target);
                    }
                }

                _closure.Add(CloseOpen(), top.Parent);
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
        configuration.Representative ??= Clamp(configuration, horizon);

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

    private RuleState Closed(IEnumerable<int> positions)
    {
        foreach (int position in positions)
        {
            _open.Push(position);
        }

        return CloseOpen();
    }

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
            _closure.Add(top.State!.Next[byteClass] ??= Step(top.State, value), top.Parent);
        }

        return _closure.Complete();
    }

    private RuleState Step(RuleState from, byte value)
    {
        foreach (int at in from.Positions)
        {
            ref readonly Position position = ref _automaton.Positions[at];
            if (position.Kind == EdgeKind.Bytes && _automaton.Sets[position.Argument].Contains(value))
            {
                _open.Push(position.Target);
            }
        }

        return CloseOpen();
    }

    /// <summary>The state of the open positions and all that are reached from them for free.</summary>
    private RuleState CloseOpen()
    {
        _found.Clear();
        _search++;
        while (_open.TryPop(out int at))
        {
            if (at < 0 || _met[at] == _search || _automaton.Heights[at] > _automaton.MaxDepth)
            {
                continue;
            }

            _met[at] = _search;
            ref readonly Position position = ref _automaton.Positions[at];
            if (position.Kind == EdgeKind.Free)
            {
                _open.Push(position.Target);
                _open.Push(position.Other);
            }
            else
            {
                _found.Add(at);
            }
        }

        if (_found.Count == 0)
        {
            return NoState;
        }

        _found.Sort();
        ReadOnlySpan<int> positions = CollectionsMarshal.AsSpan(_found);
        return _statesBySpan.TryGetValue(positions, out RuleState? state) ? state : Intern(positions.ToArray());
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

    private Configuration Clamp(Configuration configuration, int horizon) =>
        Intern([.. configuration.Tops.Select(top => Clamp(top, horizon)!)], configuration.CanEnd);

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
}
