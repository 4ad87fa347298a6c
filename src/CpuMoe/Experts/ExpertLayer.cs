using CpuMoe.Compute;

namespace CpuMoe.Experts;

/// <summary>The routed experts of one layer, as the file has them.</summary>
internal sealed class ExpertLayer
{
    /// <param name="block">The block of the model.</param>
    /// <param name="count">The number of experts.</param>
    /// <param name="gate">Matrices [F][E].</param>
    /// <param name="up">Matrices [F][E].</param>
    /// <param name="down">Matrices [E][F].</param>
    public ExpertLayer(int block, int count, ExpertMatrix gate, ExpertMatrix up, ExpertMatrix down)
    {
        Block = block;
        Count = count;
        Gate = gate;
        Up = up;
        Down = down;
    }

    /// <summary>The block of the model.</summary>
    public int Block { get; }

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
