using CpuMoe.Compute;

namespace CpuMoe.Models;

/// <summary>The activations of one pass of a <c>glm4moe</c> model over a batch of tokens.</summary>
internal sealed unsafe class Glm4MoeScratch : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    public Glm4MoeScratch(Glm4MoeConfig config, int batchSize)
    {
        AttentionShape shape = config.Attention;
        BatchSize = batchSize;
        X = Floats(config.EmbeddingLength);
        Queries = Floats(shape.Heads * shape.KeyLength);
        Keys = Floats(shape.KeyValueHeads * shape.KeyLength);
        Values = Floats(shape.KeyValueHeads * shape.ValueLength);
        RouterLogits = Floats(config.ExpertCount);
        Normalized = Matrix(batchSize, config.EmbeddingLength);
        Attended = Matrix(batchSize, shape.Heads * shape.ValueLength);
        if (config.LeadingDenseBlocks > 0)
        {
            DenseHidden = Matrix(batchSize, config.FeedForwardLength);
        }

        if (config.LeadingDenseBlocks < config.TrunkBlocks)
        {
            SharedHidden = Matrix(batchSize, config.SharedFeedForwardLength);
            RoutedHidden = Matrix(batchSize * config.Router.ExpertsUsed, config.ExpertFeedForwardLength);
        }
    }

    /// <summary>The most tokens of a pass.</summary>
    public int BatchSize { get; }

    /// <summary>Bytes of all activations, their quantised forms included.</summary>
    public long ByteCount { get; private set; }

    /// <summary>The residual stream, [tokens][embedding].</summary>
    public float* X { get; }

    /// <summary>[tokens][heads][key length].</summary>
    public float* Queries { get; }

    /// <summary>[tokens][key/value heads][key length].</summary>
    public float* Keys { get; }

    /// <summary>[tokens][key/value heads][value length].</summary>
    public float* Values { get; }

    /// <summary>[tokens][experts].</summary>
    public float* RouterLogits { get; }

    /// <summary>The input of the next products, [tokens][embedding].</summary>
    public ActivationMatrix Normalized { get; }

    /// <summary>The output of attention, [tokens][heads * value length].</summary>
    public ActivationMatrix Attended { get; }

    /// <summary>Inner activations of the dense network; null in models without dense blocks.</summary>
    public ActivationMatrix? DenseHidden { get; }

    /// <summary>Inner activations of the shared expert; null in models without experts.</summary>
    public ActivationMatrix? SharedHidden { get; }

    /// <summary>Inner activations of the routed experts, [tokens * experts used][width].</summary>
    public ActivationMatrix? RoutedHidden { get; }

    public void Dispose()
    {
        foreach (IDisposable buffer in _owned)
        {
            buffer.Dispose();
        }
    }

    private float* Floats(int perToken)
    {
        var buffer = new NativeBuffer<float>((long)BatchSize * perToken);
        _owned.Add(buffer);
        ByteCount += buffer.Length * sizeof(float);
        return buffer.Pointer;
    }

    private ActivationMatrix Matrix(int rows, int columns)
    {
        var matrix = new ActivationMatrix(rows, columns);
        _owned.Add(matrix);
        ByteCount += matrix.MaxBytes;
        return matrix;
    }
}
