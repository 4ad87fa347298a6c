using CpuMoe.Compute;

namespace CpuMoe.Models;

/// <summary>Routes the tokens of a batch and sorts them by expert, so that each expert's weights are read once.</summary>
internal sealed unsafe class ExpertAssignment : IDisposable
{
    private readonly ExpertRouter _router;
    private readonly int _experts;
    private readonly int _used;
    private readonly int[] _selected;
    private readonly float[] _selectedWeights;
    private readonly int[] _first;
    private readonly int[] _next;
    private readonly NativeBuffer<int> _tokens;
    private readonly NativeBuffer<float> _weights;

    public ExpertAssignment(int experts, RouterSettings settings, int batchSize)
    {
        _router = new ExpertRouter(settings, experts);
        _experts = experts;
        _used = settings.ExpertsUsed;
        _selected = new int[batchSize * _used];
        _selectedWeights = new float[batchSize * _used];
        _first = new int[experts + 1];
        _next = new int[experts];
        _tokens = new NativeBuffer<int>(batchSize * _used);
        _weights = new NativeBuffer<float>(batchSize * _used);
    }

    /// <summary>For each (token, expert) pair, expert by expert, the token.</summary>
    public int* Tokens => _tokens.Pointer;

    /// <summary>For each (token, expert) pair, expert by expert, the weight.</summary>
    public float* Weights => _weights.Pointer;

    /// <summary>Routes <paramref name="tokens"/> tokens.</summary>
    /// <param name="logits">[tokens][experts].</param>
    /// <param name="bias">[experts].</param>
    /// <param name="tokens">The number of tokens.</param>
    public void Assign(float* logits, float* bias, int tokens)
    {
        Array.Clear(_first);
        for (int t = 0; t < tokens; t++)
        {
            Span<int> selected = _selected.AsSpan(t * _used, _used);
            _router.Select(
                new ReadOnlySpan<float>(logits + (long)t * _experts, _experts),
                new ReadOnlySpan<float>(bias, _experts),
                selected,
                _selectedWeights.AsSpan(t * _used, _used));
            foreach (int expert in selected)
            {
                _first[expert + 1]++;
            }
        }

        for (int expert = 0; expert < _experts; expert++)
        {
            _first[expert + 1] += _first[expert];
            _next[expert] = _first[expert];
        }

        for (int pair = 0; pair < tokens * _used; pair++)
        {
            int slot = _next[_selected[pair]]++;
            _tokens.Pointer[slot] = pair / _used;
            _weights.Pointer[slot] = _selectedWeights[pair];
        }
    }

    /// <summary>Writes the experts that got tokens, ascending, and returns how many they are.</summary>
    public int CopyExpertsTo(Span<int> experts)
    {
        int count = 0;
        for (int expert = 0; expert < _experts; expert++)
        {
            if (_first[expert + 1] > _first[expert])
            {
                experts[count++] = expert;
            }
        }

        return count;
    }

    /// <summary>How many tokens an expert got, and its first place in <see cref="Tokens"/>.</summary>
    public int TokensOf(int expert, out int first)
    {
        first = _first[expert];
        return _first[expert + 1] - first;
    }

    /// <summary>How many of the tokens of an expert, the first ones, come before <paramref name="token"/>.</summary>
    public int TokensBefore(int token, int expert)
    {
        int count = TokensOf(expert, out int first);
        int place = new ReadOnlySpan<int>(Tokens + first, count).BinarySearch(token);
        return place < 0 ? ~place : place;
    }

    public void Dispose()
    {
        _tokens.Dispose();
        _weights.Dispose();
    }
}
