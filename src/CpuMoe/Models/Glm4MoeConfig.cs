using CpuMoe.Compute;
using CpuMoe.Gguf;

namespace CpuMoe.Models;

/// <summary>The sizes and constants of a <c>glm4moe</c> model, read from its metadata and checked.</summary>
/// <remarks>Keys: convert_hf_to_gguf.py of llama.cpp, class Glm4MoeModel; all have the prefix <c>glm4moe.</c>.</remarks>
internal sealed record Glm4MoeConfig
{
    public const string Architecture = "glm4moe";

    // More than any real model by an order of magnitude; keeps absurd files from driving allocations.
    private const int MaxBlocks = 4096;
    private const int MaxWidth = 1 << 20;
    private const int MaxExperts = 1 << 12;

    /// <summary>Blocks in the file: trunk and NextN.</summary>
    public required int BlockCount { get; init; }

    /// <summary>Trailing blocks for multi-token prediction, not part of the trunk.</summary>
    public required int NextNBlocks { get; init; }

    /// <summary>Blocks at the start with a dense feed-forward network.</summary>
    public required int LeadingDenseBlocks { get; init; }

    public required int ContextLength { get; init; }

    public required int EmbeddingLength { get; init; }

    /// <summary>Inner width of the dense blocks.</summary>
    public required int FeedForwardLength { get; init; }

    public required AttentionShape Attention { get; init; }

    /// <summary>Epsilon of all norms.</summary>
    public required float NormEpsilon { get; init; }

    /// <summary>Values of a head that are rotated.</summary>
    public required int RotaryDimensions { get; init; }

    public required float RotaryBase { get; init; }

    public required int ExpertCount { get; init; }

    public required int ExpertFeedForwardLength { get; init; }

    /// <summary>Inner width of the shared expert (all shared experts side by side).</summary>
    public required int SharedFeedForwardLength { get; init; }

    public required RouterSettings Router { get; init; }

    /// <summary>Blocks that make up the forward pass.</summary>
    public int TrunkBlocks => BlockCount - NextNBlocks;

    /// <summary>Reads and checks the keys.</summary>
    /// <exception cref="GgufFormatException">A key is missing, of another type, or out of range.</exception>
    public static Glm4MoeConfig Read(GgufMetadata metadata)
    {
        var keys = new Keys(metadata);
        int blocks = keys.Positive("block_count", MaxBlocks);
        int nextN = keys.InRange("nextn_predict_layers", 0, 0, blocks - 1);
        int embedding = keys.Positive("embedding_length", MaxWidth);
        int heads = keys.Positive("attention.head_count", MaxWidth);
        int keyValueHeads = keys.InRange("attention.head_count_kv", heads, 1, heads);
        int keyLength = keys.InRange("attention.key_length", embedding / heads, 1, MaxWidth);
        int valueLength = keys.InRange("attention.value_length", embedding / heads, 1, MaxWidth);
        int experts = keys.Positive("expert_count", MaxExperts);
        int used = keys.Positive("expert_used_count", experts);
        int expertWidth = keys.Positive("expert_feed_forward_length", MaxWidth);
        keys.Require(heads % keyValueHeads == 0, "attention.head_count_kv", $"{keyValueHeads} does not divide the {heads} query heads.");
        keys.Require(keyLength % 2 == 0, "attention.key_length", $"{keyLength} is odd; rotation needs pairs.");
        keys.Require((long)heads * Math.Max(keyLength, valueLength) <= MaxWidth, "attention.head_count", $"{heads} heads of {keyLength} and {valueLength} values are wider than {MaxWidth}.");
        int rotary = keys.InRange("rope.dimension_count", keyLength, 2, keyLength);
        keys.Require(rotary % 2 == 0, "rope.dimension_count", $"{rotary} is odd; rotation needs pairs.");
        keys.Require(keys.InRange("expert_group_count", 1, 0, experts) <= 1, "expert_group_count", "expert groups are not supported for this architecture.");
        keys.Require(metadata.GetInt32s(Keys.Name("rope.dimension_sections")) is not { } sections || Array.TrueForAll(sections, s => s == 0),
            "rope.dimension_sections", "multi-section rotation (vision models) is not supported.");
        float epsilon = metadata.GetSingle(Keys.Name("attention.layer_norm_rms_epsilon"));
        keys.Require(epsilon is > 0 and < 1, "attention.layer_norm_rms_epsilon", $"{epsilon} is not between 0 and 1.");
        float frequencyBase = metadata.GetSingle(Keys.Name("rope.freq_base"), 10000);
        keys.Require(float.IsFinite(frequencyBase) && frequencyBase > 1, "rope.freq_base", $"{frequencyBase} is not a finite number above 1.");
        int gating = keys.InRange("expert_gating_func", 0, 0, 3);
        float scale = metadata.GetSingle(Keys.Name("expert_weights_scale"), 0);
        keys.Require(float.IsFinite(scale), "expert_weights_scale", "is not finite.");

        return new Glm4MoeConfig
        {
            BlockCount = blocks,
            NextNBlocks = nextN,
            LeadingDenseBlocks = keys.InRange("leading_dense_block_count", 0, 0, blocks - nextN),
            ContextLength = keys.Positive("context_length", int.MaxValue),
            EmbeddingLength = embedding,
            FeedForwardLength = keys.Positive("feed_forward_length", MaxWidth),
            Attention = new AttentionShape(heads, keyValueHeads, keyLength, valueLength),
            NormEpsilon = epsilon,
            RotaryDimensions = rotary,
            RotaryBase = frequencyBase,
            ExpertCount = experts,
            ExpertFeedForwardLength = expertWidth,
            SharedFeedForwardLength = keys.Positive("expert_shared_count", 64) * expertWidth,
            Router = new RouterSettings(
                Gating: gating == 0 ? GatingFunction.Sigmoid : (GatingFunction)gating,
                ExpertsUsed: used,
                NormalizeWeights: metadata.GetBoolean(Keys.Name("expert_weights_norm"), false),
                WeightScale: scale == 0 ? 1 : scale),
        };
    }

    /// <summary>Getters that know the prefix and fault with the key's name.</summary>
    private readonly struct Keys(GgufMetadata metadata)
    {
        public static string Name(string key) => $"{Architecture}.{key}";

        public int Positive(string key, int most)
        {
            int value = metadata.GetInt32(Name(key));
            Require(value > 0 && value <= most, key, $"{value} is not between 1 and {most}.");
            return value;
        }

        public int InRange(string key, int fallback, int least, int most)
        {
            int value = metadata.GetInt32(Name(key), fallback);
            Require(value >= least && value <= most, key, $"{value} is not between {least} and {most}.");
            return value;
        }

        public void Require(bool condition, string key, string problem)
        {
            if (!condition)
            {
                throw metadata.Fault(Name(key), problem);
            }
        }
    }
}
