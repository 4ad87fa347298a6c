namespace CpuMoe.Experts;

/// <summary>Counts how often each expert is asked for, and how alike consecutive tokens are.</summary>
internal sealed class ExpertUseCounter
{
    private readonly ExpertTrace _trace;
    private readonly int[][] _passes;
    private readonly long[] _shared;
    private readonly long[] _compared;

    // By layer and expert: the last decode pass that asked for it, numbered from 1.
    private readonly int[][] _lastPass;

    public ExpertUseCounter(ExpertTrace trace)
    {
        _trace = trace;
        int layers = trace.Layers.Count;
        _passes = NewCounts();
        _lastPass = NewCounts();
        _shared = new long[layers];
        _compared = new long[layers];
        int[] previous = new int[layers];
        int number = 0;
        foreach (ExpertPass pass in trace.Passes)
        {
            number++;
            bool decode = pass.Kind == ExpertPassKind.Decode;
            DecodePasses += decode ? 1 : 0;
            PrefillPasses += decode ? 0 : 1;
            DecodeTokens += decode ? pass.Tokens : 0;
            PrefillTokens += decode ? 0 : pass.Tokens;
            foreach (ExpertRequest request in trace.RequestsOf(pass))
            {
                Count(request, decode ? number : 0, follows: previous[request.Layer] == number - 1 && number > 1);
                previous[request.Layer] = decode ? number : 0;
            }
        }

        Layers = [.. trace.Layers.Select((layer, i) => new ExpertLayerUse(layer.Block, _passes[i], (double)_shared[i] / _compared[i]))];
    }

    public int DecodePasses { get; }

    public long DecodeTokens { get; }

    public int PrefillPasses { get; }

    public long PrefillTokens { get; }

    public IReadOnlyList<ExpertLayerUse> Layers { get; }

    public double ConsecutiveOverlap => (double)_shared.Sum() / _compared.Sum();

    private int[][] NewCounts() => [.. _trace.Layers.Select(_ => new int[_trace.ExpertCount])];

    /// <param name="request">The request.</param>
    /// <param name="decodePass">The number of its pass; 0 for prefill.</param>
    /// <param name="follows">Whether the pass before was a decode pass that came to this layer.</param>
    private void Count(ExpertRequest request, int decodePass, bool follows)
    {
        int[] last = _lastPass[request.Layer];
        foreach (ushort expert in _trace.ExpertsOf(request))
        {
            _passes[request.Layer][expert]++;
            if (decodePass > 0)
            {
                _compared[request.Layer] += follows ? 1 : 0;
                _shared[request.Layer] += follows && last[expert] == decodePass - 1 ? 1 : 0;
                last[expert] = decodePass;
            }
        }
    }
}
