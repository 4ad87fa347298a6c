using CpuMoe.Gguf;
using CpuMoe.Quantization;

namespace CpuMoe.Synth;

/// <summary>What the values of a tensor are for, hence how they are drawn.</summary>
internal enum TensorRole
{
    /// <summary>A matrix: zero mean, standard deviation 1/sqrt(columns).</summary>
    Matrix,

    /// <summary>A matrix whose products are added to the residual stream; else as <see cref="Matrix"/>.</summary>
    Residual,

    /// <summary>The matrix that makes logits; else as <see cref="Matrix"/>.</summary>
    Head,

    /// <summary>The table of token embeddings; see <see cref="ModelPlan.EmbeddingDeviation"/>.</summary>
    Embedding,

    /// <summary>Factors of a norm, about 1.</summary>
    Norm,

    /// <summary>Factors of the norm before the head; else as <see cref="Norm"/>.</summary>
    HeadNorm,

    /// <summary>Small values about 0.</summary>
    Bias,

    /// <summary>The matrix that scores the experts.</summary>
    Router,

    /// <summary>What is added to the scores to select experts.</summary>
    SelectionBias,
}

/// <summary>A tensor to be written.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Dimensions">Row length first.</param>
/// <param name="Role">What it is for.</param>
internal sealed record PlannedTensor(string Name, GgmlType Type, long[] Dimensions, TensorRole Role)
{
    public long ElementCount => Dimensions.Aggregate(1L, (product, dimension) => product * dimension);

    public long ByteCount => Type.RowBytes(ElementCount);
}

/// <summary>The tensors of a model in the order of its file.</summary>
internal sealed class ModelPlan
{
    private const string EmbeddingName = "token_embd.weight";
    private const string HeadName = "output.weight";

    private readonly List<PlannedTensor> _tensors = [];

    /// <summary>Plans a model.</summary>
    /// <param name="shape">Its dimensions.</param>
    /// <param name="mix">Its types.</param>
    /// <param name="trunkBlocks">Trunk blocks to keep; null for all.</param>
    /// <param name="withNextN">Whether to add the NextN block; null means: where no block is cut off and the shape has one.</param>
    /// <exception cref="ArgumentException">Blocks that the shape does not have.</exception>
    /// <param name="turns">Biases the logits; null for random ones.</param>
    public ModelPlan(ModelShape shape, QuantMix mix, int? trunkBlocks = null, bool? withNextN = null, TurnBias? turns = null)
    {
        Shape = shape;
        Mix = mix;
        Turns = turns;
        TrunkBlocks = trunkBlocks ?? shape.Blocks;
        if (TrunkBlocks < 1 || TrunkBlocks > shape.Blocks)
        {
            throw new ArgumentException($"{shape.Name} has {shape.Blocks} blocks; {TrunkBlocks} cannot be kept", nameof(trunkBlocks));
        }

        bool isGlm = shape.Architecture == ModelArchitecture.Glm4Moe;
        if (withNextN == true && !isGlm)
        {
            throw new ArgumentException($"{shape.Name} has no NextN block", nameof(withNextN));
        }

        NextNBlocks = withNextN ?? (isGlm && TrunkBlocks == shape.Blocks) ? 1 : 0;

        // At least one block has experts.
        LeadingDense = Math.Min(shape.LeadingDense, TrunkBlocks - 1);
        AddTensors();
    }

    public ModelShape Shape { get; }

    public QuantMix Mix { get; }

    /// <summary>Biases the logits; null for random ones.</summary>
    public TurnBias? Turns { get; }

    public int TrunkBlocks { get; }

    public int NextNBlocks { get; }

    public int LeadingDense { get; }

    /// <summary>Trunk and NextN.</summary>
    public int BlockCount => TrunkBlocks + NextNBlocks;

    public IReadOnlyList<PlannedTensor> Tensors => _tensors;

    /// <summary>The bytes of all tensors.</summary>
    public long ByteCount => _tensors.Sum(tensor => tensor.ByteCount);

    /// <summary>The standard deviation of the token embeddings.</summary>
    /// <remarks>
    /// Two sums per block are added to an embedding. Were it not the larger part of the result, what attention collects
    /// from all tokens of a text would make them alike, and the router would give all of them the same experts.
    /// </remarks>
    public double EmbeddingDeviation => Math.Sqrt(2 * TrunkBlocks);

    private void AddTensors()
    {
        long embedding = Shape.Embedding;
        long vocabulary = Shape.Vocabulary.Size;
        Add(EmbeddingName, -1, TensorRole.Embedding, embedding, vocabulary);
        for (int block = 0; block < BlockCount; block++)
        {
            AddAttention(block);
            AddFeedForward(block);
            if (block >= TrunkBlocks)
            {
                AddNextN(block);
            }
        }

        Add("output_norm.weight", -1, TensorRole.HeadNorm, embedding);
        Add(HeadName, -1, TensorRole.Head, embedding, vocabulary);
    }

    private void AddAttention(int block)
    {
        long embedding = Shape.Embedding;
        long queries = (long)Shape.Heads * Shape.HeadLength;
        long keys = (long)Shape.KeyValueHeads * Shape.HeadLength;
        AddToBlock(block, "attn_norm.weight", TensorRole.Norm, embedding);
        foreach ((string name, long rows) in ((string, long)[])[("attn_q", queries), ("attn_k", keys), ("attn_v", keys)])
        {
            AddToBlock(block, $"{name}.weight", TensorRole.Matrix, embedding, rows);
            if (Shape.Architecture == ModelArchitecture.Glm4Moe)
            {
                AddToBlock(block, $"{name}.bias", TensorRole.Bias, rows);
            }
        }

        AddToBlock(block, "attn_output.weight", TensorRole.Residual, queries, embedding);
        if (Shape.HasHeadNorms)
        {
            AddToBlock(block, "attn_q_norm.weight", TensorRole.Norm, Shape.HeadLength);
            AddToBlock(block, "attn_k_norm.weight", TensorRole.Norm, Shape.HeadLength);
        }
    }

    private void AddFeedForward(int block)
    {
        bool isGlm = Shape.Architecture == ModelArchitecture.Glm4Moe;
        long embedding = Shape.Embedding;
        AddToBlock(block, isGlm ? "post_attention_norm.weight" : "ffn_norm.weight", TensorRole.Norm, embedding);
        if (block < LeadingDense)
        {
            AddNetwork(block, "", Shape.DenseWidth);
            return;
        }

        AddToBlock(block, "ffn_gate_inp.weight", TensorRole.Router, embedding, Shape.Experts);
        if (isGlm)
        {
            AddToBlock(block, "exp_probs_b.bias", TensorRole.SelectionBias, Shape.Experts);
        }

        AddNetwork(block, "_exps", Shape.ExpertWidth, Shape.Experts);
        if (isGlm)
        {
            AddNetwork(block, "_shexp", Shape.ExpertWidth);
        }
    }

    private void AddNetwork(int block, string suffix, long width, params ReadOnlySpan<long> experts)
    {
        AddToBlock(block, $"ffn_gate{suffix}.weight", TensorRole.Matrix, [Shape.Embedding, width, .. experts]);
        AddToBlock(block, $"ffn_up{suffix}.weight", TensorRole.Matrix, [Shape.Embedding, width, .. experts]);
        AddToBlock(block, $"ffn_down{suffix}.weight", TensorRole.Residual, [width, Shape.Embedding, .. experts]);
    }

    private void AddNextN(int block)
    {
        long embedding = Shape.Embedding;
        AddToBlock(block, "nextn.eh_proj.weight", TensorRole.Matrix, 2 * embedding, embedding);
        AddToBlock(block, "nextn.embed_tokens.weight", TensorRole.Embedding, embedding, Shape.Vocabulary.Size);
        AddToBlock(block, "nextn.enorm.weight", TensorRole.Norm, embedding);
        AddToBlock(block, "nextn.hnorm.weight", TensorRole.Norm, embedding);
        AddToBlock(block, "nextn.shared_head_head.weight", TensorRole.Matrix, embedding, Shape.Vocabulary.Size);
        AddToBlock(block, "nextn.shared_head_norm.weight", TensorRole.Norm, embedding);
    }

    private void AddToBlock(int block, string name, TensorRole role, params ReadOnlySpan<long> dimensions) =>
        Add($"blk.{block}.{name}", block, role, dimensions);

    private void Add(string name, int block, TensorRole role, params ReadOnlySpan<long> dimensions) =>
        _tensors.Add(new PlannedTensor(name, TypeOf(name, block, dimensions), dimensions.ToArray(), role));

    private GgmlType TypeOf(string name, int block, ReadOnlySpan<long> dimensions) =>
        Turns is not null && name is (EmbeddingName or HeadName) ? GgmlType.F16
        : QuantMix.Quantizes(name, dimensions.Length) ? Mix.TypeOf(name, dimensions[0], block, BlockCount) : GgmlType.F32;
}
