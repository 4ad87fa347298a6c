using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Testing;
using CpuMoe.Tests.Gguf;

namespace CpuMoe.Tests.Models;

public class ModelSummaryTests
{
    [Fact]
    public void TheDemoModel()
    {
        using GgufFile file = GgufFile.Open(TestData.DemoModel);
        ModelSummary summary = ModelSummary.FromGguf(file)!;
        Assert.Equal(16.9, summary.TotalParameters / 1e6, 0.05);
        Assert.Equal(5_457_712, summary.ActiveParameters);
        Assert.Equal((4, 1, 16, 4, 2048), (summary.TrunkBlocks, summary.NextNBlocks, summary.ExpertCount, summary.ExpertsUsed, summary.ContextLength));
        Assert.InRange(summary.ActiveBytesPerToken, summary.ActiveParameters / 2, summary.ActiveParameters);
    }

    [Fact]
    public void BytesOfAnF32ModelAreFourPerParameter()
    {
        foreach (bool fused in (bool[])[false, true])
        {
            using var open = new OpenModel(new TinyGlm { FusedGateUp = fused });
            ModelSummary summary = ModelSummary.FromGguf(open.File)!;
            Assert.Equal(4 * summary.ActiveParameters, summary.ActiveBytesPerToken);

            // 64 wide: attention with 4 and 2 heads of 32, biases and norms; dense 96; 3 of 8 experts and a shared one of 32.
            const int Attention = (64 * (128 + 64 + 64)) + 256 + (128 * 64) + 64 + 64 + 32 + 32;
            const int Expert = 3 * 64 * 32;
            const int Mixture = (4 * Expert) + (64 * 8) + 8;
            Assert.Equal((3 * Attention) + (3 * 64 * 96) + (2 * Mixture) + 64 + (64 * 45), summary.ActiveParameters);
            const int NextN = Attention + (9 * Expert) + (64 * 8) + 8 + (2 * 64 * 64) + (3 * 64);
            Assert.Equal(summary.ActiveParameters + (2 * 5 * Expert) + (64 * 45) + NextN, summary.TotalParameters);
        }
    }

    [Fact]
    public void ATiedMatrixIsTheHead()
    {
        using var tied = new OpenModel(new TinyGlm { TiedOutput = true });
        using var untied = new OpenModel(new TinyGlm());
        Assert.Equal(ModelSummary.FromGguf(untied.File)!.ActiveParameters, ModelSummary.FromGguf(tied.File)!.ActiveParameters);
        Assert.Equal(ModelSummary.FromGguf(untied.File)!.TotalParameters - (64 * 45), ModelSummary.FromGguf(tied.File)!.TotalParameters);
    }

    [Fact]
    public void OtherArchitecturesHaveNone()
    {
        TinyGlmContent content = new TinyGlm().Build();
        content.Metadata["general.architecture"] = "llama";
        using var folder = new TempFolder();
        content.Write(folder.PathOf("llama.gguf"));
        using GgufFile file = GgufFile.Open(folder.PathOf("llama.gguf"));
        Assert.Null(ModelSummary.FromGguf(file));
    }

    // Parameter counts: exact sums over the published shapes; KV bytes: positions * heads * (key + value) * bytes.
    [Theory]
    [InlineData(true, 358_337_791_296, 32_856_319_904, 376_832, 200_192)]
    [InlineData(false, 110_468_824_832, 12_803_372_672, 188_416, 100_096)]
    public void TheRealShapes(bool large, long total, long active, long kvF16, long kvQ8)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Files are not sparse by themselves on Windows.");
        using var folder = new TempFolder();
        string path = folder.PathOf("real.gguf");
        WriteRealShape(large, path);
        using GgufFile file = GgufFile.Open(path);
        ModelSummary summary = ModelSummary.FromGguf(file)!;
        Assert.Equal(total, summary.TotalParameters);
        Assert.Equal(active, summary.ActiveParameters);
        Assert.Equal(kvF16, summary.KvBytesPerToken(KvType.F16));
        Assert.Equal(kvQ8, summary.KvBytesPerToken(KvType.Q8_0));
        Assert.Equal(2 * kvF16, summary.KvBytesPerToken(KvType.F32));
        Assert.Equal(large ? (92, 1) : (46, 1), (summary.TrunkBlocks, summary.NextNBlocks));
    }

    /// <summary>A sparse file with all tensors of GLM-4.5 or GLM-4.5-Air and none of their data.</summary>
    private static void WriteRealShape(bool large, string path)
    {
        (uint blocks, uint embedding, uint feedForward, uint experts, uint width, uint dense) = large ? (93u, 5120u, 12288u, 160u, 1536u, 3u) : (47u, 4096u, 10944u, 128u, 1408u, 1u);
        const uint Queries = 96 * 128;
        const uint Keys = 8 * 128;
        const uint Vocabulary = 151552;
        using FileStream stream = new(path, FileMode.CreateNew);
        using var writer = new GgufWriter(stream);
        writer.Add("general.architecture", "glm4moe");
        foreach ((string key, object value) in (IEnumerable<(string, object)>)
        [
            ("block_count", blocks), ("nextn_predict_layers", 1u), ("context_length", 131072u), ("embedding_length", embedding), ("feed_forward_length", feedForward),
            ("attention.head_count", 96u), ("attention.head_count_kv", 8u), ("attention.key_length", 128u), ("attention.value_length", 128u),
            ("attention.layer_norm_rms_epsilon", 1e-5f), ("rope.dimension_count", 64u), ("rope.freq_base", 1e6f),
            ("expert_count", experts), ("expert_used_count", 8u), ("expert_shared_count", 1u), ("expert_feed_forward_length", width),
            ("leading_dense_block_count", dense), ("expert_gating_func", 2u), ("expert_weights_norm", true), ("expert_weights_scale", large ? 2.5f : 1f),
        ])
        {
            writer.Add($"glm4moe.{key}", value);
        }

        var names = new List<(string Name, long Bytes)>();
        Declare("token_embd", embedding, Vocabulary);
        Declare("output_norm", embedding);
        Declare("output", embedding, Vocabulary);
        for (uint block = 0; block < blocks; block++)
        {
            string prefix = $"blk.{block}.";
            Declare($"{prefix}attn_norm", embedding);
            foreach ((string name, uint outputs) in ((string, uint)[])[("q", Queries), ("k", Keys), ("v", Keys)])
            {
                Declare($"{prefix}attn_{name}", embedding, outputs);
                Declare($"{prefix}attn_{name}_bias", outputs);
            }

            Declare($"{prefix}attn_output", Queries, embedding);
            Declare($"{prefix}post_attention_norm", embedding);
            if (large)
            {
                Declare($"{prefix}attn_q_norm", 128);
                Declare($"{prefix}attn_k_norm", 128);
            }

            if (block < dense)
            {
                Network(prefix, "", feedForward);
                continue;
            }

            Network(prefix, "_shexp", width);
            Network(prefix, "_exps", width, experts);
            Declare($"{prefix}ffn_gate_inp", embedding, experts);
            Declare($"{prefix}exp_probs_b", experts);
        }

        string nextN = $"blk.{blocks - 1}.nextn.";
        Declare($"{nextN}eh_proj", 2 * embedding, embedding);
        Declare($"{nextN}enorm", embedding);
        Declare($"{nextN}hnorm", embedding);
        Declare($"{nextN}shared_head_norm", embedding);
        Declare($"{nextN}embed_tokens", embedding, Vocabulary);
        Declare($"{nextN}shared_head_head", embedding, Vocabulary);

        // Lengthening a file leaves a hole where the file system can.
        foreach ((string name, long bytes) in names)
        {
            writer.WriteTensor(name, output =>
            {
                output.SetLength(output.Position + bytes);
                output.Position += bytes;
            });
        }

        writer.Complete();

        void Network(string prefix, string suffix, uint inner, params ReadOnlySpan<long> count)
        {
            Declare($"{prefix}ffn_gate{suffix}", [embedding, inner, .. count]);
            Declare($"{prefix}ffn_up{suffix}", [embedding, inner, .. count]);
            Declare($"{prefix}ffn_down{suffix}", [inner, embedding, .. count]);
        }

        void Declare(string name, params ReadOnlySpan<long> dimensions)
        {
            // Half a byte per value keeps the file small enough for any file system: 200 GB for the larger model.
            GgmlType type = dimensions.Length == 1 ? GgmlType.F32 : GgmlType.Q4_0;
            long values = 1;
            foreach (long dimension in dimensions)
            {
                values *= dimension;
            }

            writer.Declare($"{name}.weight", type, dimensions);
            names.Add(($"{name}.weight", type.RowBytes(values)));
        }
    }
}
