using CpuMoe.Gguf;
using CpuMoe.Tests.Compute;

namespace CpuMoe.Tests.Models;

/// <summary>The sizes of a small random <c>glm4moe</c> model.</summary>
internal sealed record TinyGlm
{
    public int Seed { get; init; } = 1;

    public int TrunkBlocks { get; init; } = 3;

    public int NextNBlocks { get; init; } = 1;

    public int LeadingDense { get; init; } = 1;

    public int Embedding { get; init; } = 64;

    public int FeedForward { get; init; } = 96;

    public int Heads { get; init; } = 4;

    public int KeyValueHeads { get; init; } = 2;

    public int KeyLength { get; init; } = 32;

    public int ValueLength { get; init; } = 32;

    public int Rotary { get; init; } = 16;

    public int Experts { get; init; } = 8;

    public int ExpertsUsed { get; init; } = 3;

    public int SharedExperts { get; init; } = 1;

    public int ExpertWidth { get; init; } = 32;

    public bool QkNorm { get; init; } = true;

    public bool FusedGateUp { get; init; }

    public bool TiedOutput { get; init; }

    public int Gating { get; init; } = 2;

    public bool NormalizeWeights { get; init; } = true;

    public float WeightScale { get; init; } = 2.5f;

    /// <summary>The type of the attention, dense and shared matrices.</summary>
    public GgmlType DenseType { get; init; } = GgmlType.F32;

    /// <summary>The type of the routed gate and up matrices.</summary>
    public GgmlType ExpertType { get; init; } = GgmlType.F32;

    /// <summary>The type of the down matrices.</summary>
    public GgmlType DownType { get; init; } = GgmlType.F32;

    /// <summary>The type of the embedding and output matrices.</summary>
    public GgmlType VocabularyType { get; init; } = GgmlType.F32;

    /// <summary>Tokens with a text; of the rest of the token array, 3 more, each is a [PAD...] of type unused.</summary>
    public int RealTokens { get; init; } = 40;

    /// <summary>Rows of the embedding and output matrices.</summary>
    public int Rows { get; init; } = 45;

    public TinyGlmContent Build()
    {
        var content = new TinyGlmContent();
        AddMetadata(content.Metadata);
        AddTensors(content);
        return content;
    }

    private void AddMetadata(Dictionary<string, object> metadata)
    {
        metadata["general.architecture"] = "glm4moe";
        metadata["tokenizer.ggml.tokens"] = Enumerable.Range(0, RealTokens + 3).Select(id => id < RealTokens ? $"t{id}" : $"[PAD{id}]").ToArray();
        metadata["tokenizer.ggml.token_type"] = Enumerable.Range(0, RealTokens + 3).Select(id => id < RealTokens ? 1 : 5).ToArray();
        foreach ((string key, object value) in (IEnumerable<(string, object)>)
        [
            ("block_count", (uint)(TrunkBlocks + NextNBlocks)), ("nextn_predict_layers", (uint)NextNBlocks), ("context_length", 512u),
            ("embedding_length", (uint)Embedding), ("feed_forward_length", (uint)FeedForward),
            ("attention.head_count", (uint)Heads), ("attention.head_count_kv", (uint)KeyValueHeads),
            ("attention.key_length", (uint)KeyLength), ("attention.value_length", (uint)ValueLength),
            ("attention.layer_norm_rms_epsilon", 1e-5f), ("rope.dimension_count", (uint)Rotary), ("rope.freq_base", 10000f),
            ("expert_count", (uint)Experts), ("expert_used_count", (uint)ExpertsUsed), ("expert_shared_count", (uint)SharedExperts),
            ("expert_feed_forward_length", (uint)ExpertWidth), ("leading_dense_block_count", (uint)LeadingDense),
            ("expert_gating_func", (uint)Gating), ("expert_weights_norm", NormalizeWeights), ("expert_weights_scale", WeightScale),
        ])
        {
            metadata[$"glm4moe.{key}"] = value;
        }
    }

    private void AddTensors(TinyGlmContent content)
    {
        var random = new Random(Seed);
        Matrix("token_embd.weight", VocabularyType, Embedding, Rows);
        Vector("output_norm.weight", Embedding, 1);
        if (!TiedOutput)
        {
            Matrix("output.weight", VocabularyType, Embedding, Rows);
        }

        for (int block = 0; block < TrunkBlocks + NextNBlocks; block++)
        {
            AddAttention($"blk.{block}.");
            AddFeedForward($"blk.{block}.", dense: block < LeadingDense);
        }

        for (int block = TrunkBlocks; block < TrunkBlocks + NextNBlocks; block++)
        {
            Matrix($"blk.{block}.nextn.eh_proj.weight", DenseType, 2 * Embedding, Embedding);
            Vector($"blk.{block}.nextn.enorm.weight", Embedding, 1);
            Vector($"blk.{block}.nextn.hnorm.weight", Embedding, 1);
            Vector($"blk.{block}.nextn.shared_head_norm.weight", Embedding, 1);
        }

        void AddAttention(string prefix)
        {
            Vector($"{prefix}attn_norm.weight", Embedding, 1);
            Projection($"{prefix}attn_q", Heads * KeyLength);
            Projection($"{prefix}attn_k", KeyValueHeads * KeyLength);
            Projection($"{prefix}attn_v", KeyValueHeads * ValueLength);
            Matrix($"{prefix}attn_output.weight", DenseType, Heads * ValueLength, Embedding);
            Vector($"{prefix}post_attention_norm.weight", Embedding, 1);
            if (QkNorm)
            {
                Vector($"{prefix}attn_q_norm.weight", KeyLength, 2);
                Vector($"{prefix}attn_k_norm.weight", KeyLength, 2);
            }
        }

        void Projection(string name, int outputs)
        {
            Matrix($"{name}.weight", DenseType, Embedding, outputs);
            Vector($"{name}.bias", outputs, 0);
        }

        void AddFeedForward(string prefix, bool dense)
        {
            string suffix = dense ? "" : "_shexp";
            int width = dense ? FeedForward : SharedExperts * ExpertWidth;
            Matrix($"{prefix}ffn_gate{suffix}.weight", DenseType, Embedding, width);
            Matrix($"{prefix}ffn_up{suffix}.weight", DenseType, Embedding, width);
            Matrix($"{prefix}ffn_down{suffix}.weight", DownType, width, Embedding);
            if (dense)
            {
                return;
            }

            content.Add($"{prefix}ffn_gate_inp.weight", GgmlType.F32, [Embedding, Experts], RandomBlocks.Row(random, GgmlType.F32, Embedding * Experts, 0.3f));
            Vector($"{prefix}exp_probs_b.bias", Experts, 0);
            if (FusedGateUp)
            {
                Matrix($"{prefix}ffn_gate_up_exps.weight", ExpertType, Embedding, 2 * ExpertWidth, Experts);
            }
            else
            {
                Matrix($"{prefix}ffn_gate_exps.weight", ExpertType, Embedding, ExpertWidth, Experts);
                Matrix($"{prefix}ffn_up_exps.weight", ExpertType, Embedding, ExpertWidth, Experts);
            }

            Matrix($"{prefix}ffn_down_exps.weight", DownType, ExpertWidth, Embedding, Experts);
        }

        // Sized so that activations stay near 1.
        void Matrix(string name, GgmlType type, params long[] dimensions) => content.Add(
            name, type, dimensions, RandomBlocks.Row(random, type, (int)dimensions.Aggregate((a, b) => a * b), 2.5f / MathF.Sqrt(dimensions[0])));

        void Vector(string name, int length, float middle) => content.Add(
            name, GgmlType.F32, [length], TinyGlmContent.Bytes([.. RandomBlocks.Floats(random, length, 0.3f).Select(v => middle + v)]));
    }
}
