using CpuMoe.Compute;
using CpuMoe.Experts;

namespace CpuMoe.Models;

/// <summary>The weights of one trunk block of a <c>glm4moe</c> model.</summary>
/// <remarks>Tensor names and shapes: llama.cpp's <c>glm4moe</c> tensor table. Vectors are F32.</remarks>
internal sealed unsafe class Glm4MoeLayer
{
    /// <summary>Binds the tensors of block <paramref name="block"/>.</summary>
    /// <exception cref="ModelLoadException">A tensor is missing or has another shape or type than the architecture asks for.</exception>
    public Glm4MoeLayer(TensorBinder tensors, Glm4MoeConfig config, int block)
    {
        AttentionShape heads = config.Attention;
        int embedding = config.EmbeddingLength;
        int queries = heads.Heads * heads.KeyLength;
        int keys = heads.KeyValueHeads * heads.KeyLength;
        int values = heads.KeyValueHeads * heads.ValueLength;

        AttentionNorm = tensors.Vector($"blk.{block}.attn_norm.weight", embedding);
        Query = tensors.Matrix($"blk.{block}.attn_q.weight", queries, embedding);
        QueryBias = tensors.Vector($"blk.{block}.attn_q.bias", queries);
        Key = tensors.Matrix($"blk.{block}.attn_k.weight", keys, embedding);
        KeyBias = tensors.Vector($"blk.{block}.attn_k.bias", keys);
        Value = tensors.Matrix($"blk.{block}.attn_v.weight", values, embedding);
        ValueBias = tensors.Vector($"blk.{block}.attn_v.bias", values);
        QueryNorm = tensors.OptionalVector($"blk.{block}.attn_q_norm.weight", heads.KeyLength);
        KeyNorm = tensors.OptionalVector($"blk.{block}.attn_k_norm.weight", heads.KeyLength);
        Output = tensors.Matrix($"blk.{block}.attn_output.weight", embedding, heads.Heads * heads.ValueLength);

        // The norm before the feed-forward network, its name notwithstanding.
        FeedForwardNorm = tensors.Vector($"blk.{block}.post_attention_norm.weight", embedding);
        if (block < config.LeadingDenseBlocks)
        {
            Always = Network(tensors, $"blk.{block}.ffn_", "", embedding, config.FeedForwardLength);
            return;
        }

        Always = Network(tensors, $"blk.{block}.ffn_", "_shexp", embedding, config.SharedFeedForwardLength);
        Router = tensors.Matrix($"blk.{block}.ffn_gate_inp.weight", config.ExpertCount, embedding);
        RouterBias = tensors.Vector($"blk.{block}.exp_probs_b.bias", config.ExpertCount);
        Experts = BindExperts(tensors, config, block);
    }

    public float* AttentionNorm { get; }

    public WeightMatrix Query { get; }

    public float* QueryBias { get; }

    public WeightMatrix Key { get; }

    public float* KeyBias { get; }

    public WeightMatrix Value { get; }

    public float* ValueBias { get; }

    /// <summary>[head length], or null in models without QK norm (GLM-4.5-Air).</summary>
    public float* QueryNorm { get; }

    /// <summary>As <see cref="QueryNorm"/>.</summary>
    public float* KeyNorm { get; }

    public WeightMatrix Output { get; }

    public float* FeedForwardNorm { get; }

    /// <summary>The network every token passes through: the dense one, or the shared expert.</summary>
    public FeedForwardWeights Always { get; }

    /// <summary>The routed experts; null in dense blocks.</summary>
    public ExpertLayer? Experts { get; }

    /// <summary>[experts][embedding].</summary>
    public WeightMatrix Router { get; }

    /// <summary>[experts], added to the scores for selection only.</summary>
    public float* RouterBias { get; }

    private static FeedForwardWeights Network(TensorBinder tensors, string prefix, string suffix, int embedding, int width) => new(
        tensors.Matrix($"{prefix}gate{suffix}.weight", width, embedding),
        tensors.Matrix($"{prefix}up{suffix}.weight", width, embedding),
        tensors.Matrix($"{prefix}down{suffix}.weight", embedding, width));

    private static ExpertLayer BindExperts(TensorBinder tensors, Glm4MoeConfig config, int block)
    {
        int count = config.ExpertCount;
        int embedding = config.EmbeddingLength;
        int width = config.ExpertFeedForwardLength;
        ExpertMatrix down = tensors.Expert($"blk.{block}.ffn_down_exps.weight", count, embedding, 0, embedding, width);
        string fused = $"blk.{block}.ffn_gate_up_exps.weight";
        return tensors.Has(fused)
            ? new ExpertLayer(block, count, tensors.Expert(fused, count, 2 * width, 0, width, embedding), tensors.Expert(fused, count, 2 * width, width, width, embedding), down)
            : new ExpertLayer(
                block,
                count,
                tensors.Expert($"blk.{block}.ffn_gate_exps.weight", count, width, 0, width, embedding),
                tensors.Expert($"blk.{block}.ffn_up_exps.weight", count, width, 0, width, embedding),
                down);
    }
}
