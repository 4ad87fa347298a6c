using System.Runtime.CompilerServices;
using CpuMoe.Grammars.Automata;
using CpuMoe.Text;

namespace CpuMoe.Grammars.Masks;

/// <summary>
/// A grammar over the tokens of a vocabulary: which tokens may come where. What was found out about a place is kept, for
/// all sessions that use the same grammar. Safe for concurrent use.
/// </summary>
internal sealed class TokenGrammar
{
    // References and integers in the store of states, about 8 bytes each: 32 MB.
    private const long MaxStoreSize = 4_000_000;

    // Bytes of all masks.
    private const int MaxMaskBytes = 64 << 20;

    // A mask that takes more steps (a few seconds) is not worth waiting for.
    private const long MaxStepsPerMask = 4_000_000;

    private static readonly ConditionalWeakTable<Tokenizer, TokenTrie> Tries = [];

    private readonly Lock _gate = new();
    private readonly Tokenizer _tokenizer;
    private readonly TokenTrie _trie;
    private readonly Automaton _automaton;
    private readonly int _horizon;
    private readonly Configuration[] _path;
    private readonly RecentlyUsed<Configuration, TokenMask> _masks;
    private StateStore _store;

    /// <summary>Compiles the rules of a grammar for a vocabulary.</summary>
    /// <exception cref="GrammarException">The grammar cannot be used.</exception>
    public TokenGrammar(IReadOnlyList<GrammarRule> rules, int root, int maxDepth, Tokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        _trie = Tries.GetValue(tokenizer, TokenTrie.Build);
        _horizon = _trie.Depth;
        _path = new Configuration[_horizon + 1];
        _automaton = GrammarCompiler.Compile(rules, root, maxDepth, tokenizer.Vocabulary);
        _masks = new(Math.Max(16, MaxMaskBytes / (8 + (tokenizer.Vocabulary.Count / 8))));
        _store = new StateStore(_automaton);
    }

    /// <summary>The number of masks computed so far.</summary>
    public int MasksComputed { get; private set; }

    /// <summary>Before the first token.</summary>
    public Configuration Start()
    {
        lock (_gate)
        {
            return _store.Start();
        }
    }

    /// <summary>The tokens that may come next, tokens that end the generation among them where the text may end.</summary>
    /// <param name="at">Where the text is; replaced by an equal place where what was known had to be thrown away.</param>
    /// <exception cref="GrammarException">The grammar is too ambiguous.</exception>
    public TokenMask MaskAt(ref Configuration at)
    {
        lock (_gate)
        {
            at = Current(at);
            Configuration representative = _store.Representative(at, _horizon);
            if (!_masks.TryGet(representative, out TokenMask? mask))
            {
                mask = Compute(representative);
                _masks.Add(_store.Adopt(representative), mask);
            }

            return mask;
        }
    }

    /// <summary>Where a token leads; null where it must not come.</summary>
    /// <exception cref="GrammarException">The grammar is too ambiguous.</exception>
    public Configuration? Advance(Configuration at, int token)
    {
        lock (_gate)
        {
            at = Current(at);
            if (_store.Tokens(at).TryGetValue(token, out Configuration? next))
            {
                return next;
            }

            if (!TokenTrie.IsText(_tokenizer.Vocabulary, token))
            {
                return null;
            }

            foreach (byte value in _tokenizer.BytesOf(token, showControl: false))
            {
                at = at.IsDead ? at : _store.Advance(at, _automaton.Classes[value]);
            }

            return at == _store.TooMany ? throw TooAmbiguous() : at.IsDead ? null : at;
        }
    }

    private static GrammarException TooAmbiguous() => new(
        "The grammar is too ambiguous: too many of its rules or repetitions match the same text. Make its alternatives begin differently, and do not nest repetitions without something between them.");

    /// <summary>The place in the present store.</summary>
    private Configuration Current(Configuration at)
    {
        if (_store.Size > MaxStoreSize)
        {
            Renew();
        }

        return _store.Adopt(at);
    }

    private void Renew()
    {
        _store = new StateStore(_automaton);
        _masks.Clear();
    }

    private TokenMask Compute(Configuration from)
    {
        MasksComputed++;
        TokenMask mask = new(_tokenizer.Vocabulary.Count);
        foreach (int token in _store.Tokens(from).Keys)
        {
            mask.Add(token);
        }

        if (from.CanEnd)
        {
            foreach (int token in _tokenizer.Vocabulary.EndOfGeneration)
            {
                mask.Add(token);
            }
        }

        Walk(from, mask);
        return mask;
    }

    /// <summary>Goes through the tree of tokens, leaving out what begins with a text that must not come.</summary>
    private void Walk(Configuration from, TokenMask mask)
    {
        ReadOnlySpan<byte> bytes = _trie.Bytes, depths = _trie.Depths, classes = _automaton.Classes;
        ReadOnlySpan<int> firstTokens = _trie.FirstTokens;
        Span<Configuration> path = _path;
        path[0] = from;
        long limit = _store.Steps + MaxStepsPerMask;
        for (int node = 0; node < bytes.Length;)
        {
            int depth = depths[node];
            Configuration before = path[depth - 1];
            int byteClass = classes[bytes[node]];
            Configuration? next = before.Next[byteClass];
            if (next is null)
            {
                if (_store.Size > MaxStoreSize)
                {
                    // More states than fit are met on the way: go on with what is needed of them.
                    limit -= _store.Steps;
                    Renew();
                    for (int i = 0; i < depth; i++)
                    {
                        path[i] = _store.Adopt(path[i]);
                    }

                    before = path[depth - 1];
                }

                next = _store.Advance(before, byteClass);
                if (_store.Steps > limit)
                {
                    throw TooAmbiguous();
                }
            }

            if (next.IsDead)
            {
                node = _trie.Ends[node];
                continue;
            }

            path[depth] = next;
            for (int i = firstTokens[node]; i < firstTokens[node + 1]; i++)
            {
                mask.Add(_trie.Tokens[i]);
            }

            node++;
        }

        path.Clear();
    }
}
