using CpuMoe.Compute;

namespace CpuMoe.Experts;

/// <summary>The routed experts of one layer, read from the mapped file where they lie.</summary>
/// <remarks>
/// Expert tensors are stacks: the rows of expert x follow those of expert x - 1. Newer files may stack gate and up in
/// one tensor, each expert's gate rows before its up rows.
/// </remarks>
internal sealed class MappedExperts
{
    private readonly WeightMatrix _gate;
    private readonly WeightMatrix _up;
    private readonly WeightMatrix _down;
    private readonly int _gateStride;
    private readonly int _upOffset;
    private readonly int _width;
    private readonly int _embedding;

    private MappedExperts(int count, WeightMatrix gate, WeightMatrix up, WeightMatrix down, int gateStride, int upOffset)
    {
        Count = count;
        _gate = gate;
        _up = up;
        _down = down;
        _gateStride = gateStride;
        _upOffset = upOffset;
        _width = down.Columns;
        _embedding = gate.Columns;
    }

    /// <summary>The number of experts.</summary>
    public int Count { get; }

    /// <summary>The weights of an expert.</summary>
    public FeedForwardWeights this[int expert] => new(
        _gate.Slice(expert * _gateStride, _width),
        _up.Slice((expert * _gateStride) + _upOffset, _width),
        _down.Slice(expert * _embedding, _embedding));

    /// <summary>Experts with separate stacks: gate and up [count * F][E], down [count * E][F].</summary>
    public static MappedExperts Separate(int count, WeightMatrix gate, WeightMatrix up, WeightMatrix down) =>
        new(count, gate, up, down, gateStride: down.Columns, upOffset: 0);

    /// <summary>Experts with a fused stack: gate and up [count * 2F][E], down [count * E][F].</summary>
    public static MappedExperts Fused(int count, WeightMatrix gateUp, WeightMatrix down) =>
        new(count, gateUp, gateUp, down, gateStride: 2 * down.Columns, upOffset: down.Columns);
}
