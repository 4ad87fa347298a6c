using CpuMoe.Gguf;
using CpuMoe.Text;

namespace CpuMoe.Synth;

/// <summary>The metadata of a planned model.</summary>
internal static class ModelMetadata
{
    private const uint QuantizationVersion = 2;
    private const float RotaryBase = 1e6f;

    /// <summary>The entries in file order.</summary>
    public static IEnumerable<GgufEntry> Of(ModelPlan plan, ulong seed) => General(plan, seed).Concat(Model(plan)).Concat(Tokenizer(plan.Shape.Vocabulary));

    private static IEnumerable<GgufEntry> General(ModelPlan plan, ulong seed) =>
    [
        new("general.architecture", plan.Shape.Architecture == ModelArchitecture.Glm4Moe ? "glm4moe" : "qwen3moe"),
        new("general.type", "model"),
        new("general.name", $"{plan.Shape.Title} with random weights"),
        new("general.description", $"Random weights (seed {seed}) in the shape of {plan.Shape.Title}, {plan.TrunkBlocks} of {plan.Shape.Blocks} blocks. For measurements; the text it writes has no meaning."),
        new("general.file_type", (uint)plan.Mix.FileType),
        new("general.quantization_version", QuantizationVersion),
    ];

    private static IEnumerable<GgufEntry> Model(ModelPlan plan)
    {
        ModelShape shape = plan.Shape;
        List<(string Key, object Value)> keys =
        [
            ("block_count", (uint)plan.BlockCount),
            ("context_length", (uint)shape.ContextLength),
            ("embedding_length", (uint)shape.Embedding),
            ("feed_forward_length", (uint)shape.DenseWidth),
            ("attention.head_count", (uint)shape.Heads),
            ("attention.head_count_kv", (uint)shape.KeyValueHeads),
            ("attention.key_length", (uint)shape.HeadLength),
            ("attention.value_length", (uint)shape.HeadLength),
            ("attention.layer_norm_rms_epsilon", shape.Architecture == ModelArchitecture.Glm4Moe ? 1e-5f : 1e-6f),
            ("rope.dimension_count", (uint)shape.RotaryDimensions),
            ("rope.freq_base", RotaryBase),
            ("expert_count", (uint)shape.Experts),
            ("expert_used_count", (uint)shape.ExpertsUsed),
            ("expert_feed_forward_length", (uint)shape.ExpertWidth),
        ];
        if (shape.Architecture == ModelArchitecture.Qwen3Moe)
        {
            return keys.Select(key => new GgufEntry($"qwen3moe.{key.Key}", key.Value));
        }

        keys.AddRange(
        [
            ("expert_shared_count", 1u),
            ("leading_dense_block_count", (uint)plan.LeadingDense),
            ("expert_gating_func", 2u), // sigmoid
            ("expert_weights_norm", true),
            ("expert_weights_scale", shape.ExpertScale),
            ("nextn_predict_layers", (uint)plan.NextNBlocks),
        ]);
        return keys.Select(key => new GgufEntry($"glm4moe.{key.Key}", key.Value));
    }

    private static IEnumerable<GgufEntry> Tokenizer(VocabularyShape shape)
    {
        SyntheticVocabulary vocabulary = new(shape);
        return
        [
            new(TokenizerKeys.Model, TokenizerKeys.ByteLevelBpeModel),
            new(TokenizerKeys.PreTokenizer, shape.Family.PreTokenizer),
            new(TokenizerKeys.Tokens, vocabulary.Texts),
            new(TokenizerKeys.Kinds, vocabulary.Kinds),
            new(TokenizerKeys.Merges, vocabulary.Merged),
            .. shape.Family.Roles.Select(role => new GgufEntry(role.Key, (uint)Array.IndexOf(vocabulary.Texts, role.Text, shape.SpecialStart))),
            new(TokenizerKeys.AddBos, false),
            new("tokenizer.chat_template", shape.Family.ChatTemplate),
        ];
    }
}
