using CpuMoe.Compute;

namespace CpuMoe.Experts;

/// <summary>The routed experts of one layer, as the file has them.</summary>
internal sealed class ExpertLayer
{
    /// <summary>Experts with stacks of their own for gate and up [count * F][E], and down [count * E][F].</summary>
    public ExpertLayer(int count, ExpertMatrix gate, ExpertMatrix up, ExpertMatrix down)
    {
        Count = count;
        Gate = gate;
        Up = up;
        Down = down;
    }

    /// <summary>The number of experts.</summary>
    public int Count { get; }

    public ExpertMatrix Gate { get; }

    public ExpertMatrix Up { get; }

    public ExpertMatrix Down { get; }

    /// <summary>Bytes of one expert.</summary>
    public long BundleBytes => Gate.ByteCount + Up.ByteCount + Down.ByteCount;

    /// <summary>An expert in the mapped file.</summary>
    public FeedForwardWeights Mapped(int expert) => new(Gate.Mapped(expert), Up.Mapped(expert), Down.Mapped(expert));
}
