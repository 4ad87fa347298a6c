using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Tests.Gguf;

namespace CpuMoe.Tests.Models;

/// <summary>Files that are well-formed GGUF but no model: each is refused with the key or tensor and a reason.</summary>
public class Glm4MoeLoadTests
{
    private static readonly string[] RequiredKeys =
    [
        "block_count", "context_length", "embedding_length", "feed_forward_length", "attention.head_count", "attention.layer_norm_rms_epsilon",
        "expert_count", "expert_used_count", "expert_shared_count", "expert_feed_forward_length",
    ];

    /// <summary>A key, the value it gets, and a piece of the message.</summary>
    private static readonly (string Key, object Value, string Message)[] BadValues =
    [
        ("block_count", 0u, "between 1 and"),
        ("block_count", 1_000_000_000u, "between 1 and"),
        ("block_count", ulong.MaxValue, ""),
        ("block_count", "four", ""),
        ("nextn_predict_layers", 4u, "between 0 and 3"),
        ("nextn_predict_layers", 5u, "between 0 and 3"),
        ("nextn_predict_layers", -1, "between 0 and 3"),
        ("leading_dense_block_count", 4u, "between 0 and 3"),
        ("context_length", 0u, "between 1 and"),
        ("embedding_length", 0u, "between 1 and"),
        ("embedding_length", 1 << 30, "between 1 and"),
        ("feed_forward_length", 0u, "between 1 and"),
        ("attention.head_count", 0u, "between 1 and"),
        ("attention.head_count", 1u << 20, "wider than"),
        ("attention.head_count_kv", 0u, "between 1 and 4"),
        ("attention.head_count_kv", 3u, "does not divide"),
        ("attention.head_count_kv", 8u, "between 1 and 4"),
        ("attention.key_length", 31u, "odd"),
        ("attention.key_length", 0u, "between 1 and"),
        ("attention.value_length", 0u, "between 1 and"),
        ("attention.layer_norm_rms_epsilon", 0f, "between 0 and 1"),
        ("attention.layer_norm_rms_epsilon", float.NaN, "between 0 and 1"),
        ("attention.layer_norm_rms_epsilon", "small", ""),
        ("rope.dimension_count", 15u, "odd"),
        ("rope.dimension_count", 34u, "between 2 and 32"),
        ("rope.dimension_count", 0u, "between 2 and 32"),
        ("rope.freq_base", 0f, "above 1"),
        ("rope.freq_base", float.PositiveInfinity, "above 1"),
        ("rope.dimension_sections", (int[])[8, 12, 12, 0], "vision"),
        ("expert_count", 0u, "between 1 and"),
        ("expert_count", 1_000_000u, "between 1 and"),
        ("expert_used_count", 0u, "between 1 and 8"),
        ("expert_used_count", 9u, "between 1 and 8"),
        ("expert_shared_count", 0u, "between 1 and"),
        ("expert_feed_forward_length", 0u, "between 1 and"),
        ("expert_gating_func", 7u, "between 0 and 3"),
        ("expert_weights_scale", float.PositiveInfinity, "finite"),
        ("expert_weights_norm", 1u, ""),
        ("expert_group_count", 4u, "groups"),
    ];

    private static readonly string[] RequiredTensors =
    [
        "token_embd.weight", "output_norm.weight",
        .. ((string[])["attn_norm.weight", "attn_q.weight", "attn_q.bias", "attn_k.weight", "attn_k.bias", "attn_v.weight", "attn_v.bias", "attn_output.weight",
            "post_attention_norm.weight", "ffn_gate_inp.weight", "exp_probs_b.bias", "ffn_gate_exps.weight", "ffn_up_exps.weight", "ffn_down_exps.weight",
            "ffn_gate_shexp.weight", "ffn_up_shexp.weight", "ffn_down_shexp.weight"]).Select(name => $"blk.2.{name}"),
        "blk.0.ffn_gate.weight", "blk.0.ffn_up.weight", "blk.0.ffn_down.weight",
    ];

    public static TheoryData<string> Keys => [.. RequiredKeys];

    public static TheoryData<int> BadValueRows => [.. Enumerable.Range(0, BadValues.Length)];

    public static TheoryData<string> Tensors => [.. RequiredTensors];

    [Theory]
    [MemberData(nameof(Keys))]
    public void MissingKeys(string key)
    {
        var fault = Refused(content => Assert.True(content.Metadata.Remove($"glm4moe.{key}")));
        Assert.Equal($"glm4moe.{key}", fault.Field);
        Assert.Contains("missing", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(BadValueRows))]
    public void BadValuesOfKeys(int row)
    {
        (string key, object value, string message) = BadValues[row];
        var fault = Refused(content => content.Metadata[$"glm4moe.{key}"] = value);
        Assert.Equal($"glm4moe.{key}", fault.Field);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
        Assert.True(fault.Offset > 0, "The place of the key is not given.");
    }

    [Fact]
    public void HeadsWhoseProductOverflowsAreRefused()
    {
        // 65537 * 65536 is 65536 in 32 bits.
        var fault = Refused(content =>
        {
            content.Metadata["glm4moe.attention.head_count"] = 65537u;
            content.Metadata["glm4moe.attention.head_count_kv"] = 1u;
            content.Metadata["glm4moe.attention.key_length"] = 65536u;
        });
        Assert.Equal("glm4moe.attention.head_count", fault.Field);
    }

    [Fact]
    public void UnknownArchitecture()
    {
        var fault = Assert.IsType<ModelLoadException>(Refused(content => content.Metadata["general.architecture"] = "llama"));
        Assert.Equal("general.architecture", fault.Field);
        Assert.Contains("'llama' is not supported", fault.Message, StringComparison.Ordinal);
        Assert.Contains("glm4moe", fault.Message, StringComparison.Ordinal);
        Assert.Equal("general.architecture", Refused(content => content.Metadata["general.architecture"] = 5u).Field);
        Assert.Equal("general.architecture", Refused(content => content.Metadata.Remove("general.architecture")).Field);
    }

    [Theory]
    [MemberData(nameof(Tensors))]
    public void MissingTensors(string name)
    {
        var fault = Assert.IsType<ModelLoadException>(Refused(content => Assert.True(content.Tensors.Remove(name))));
        Assert.Equal($"tensor {name}", fault.Field);
        Assert.Contains("missing", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Tensors))]
    public void TensorsOfAnotherShape(string name)
    {
        // One more in each dimension in turn, but for the rows of the vocabulary, which any number may be.
        long[] dimensions = new TinyGlm().Build().Tensors[name].Dimensions;
        for (int d = 0; d < (name == "token_embd.weight" ? 1 : dimensions.Length); d++)
        {
            long[] other = [.. dimensions];
            other[d]++;
            var fault = Assert.IsType<ModelLoadException>(Refused(content => content.Reshape(name, GgmlType.F32, other)));
            Assert.Equal($"tensor {name}", fault.Field);
            Assert.Contains($"the metadata asks for [{string.Join(", ", dimensions)}]", fault.Message, StringComparison.Ordinal);
            Assert.True(fault.Offset > 0, "The place of the record is not given.");
        }
    }

    [Theory]
    [MemberData(nameof(Tensors))]
    public void TensorsOfATypeTheEngineCannotComputeWith(string name)
    {
        long[] dimensions = new TinyGlm().Build().Tensors[name].Dimensions;
        var fault = Assert.IsType<ModelLoadException>(Refused(content => content.Reshape(name, dimensions.Length == 1 ? GgmlType.F16 : GgmlType.I16, dimensions)));
        Assert.Equal($"tensor {name}", fault.Field);
        Assert.Contains(dimensions.Length == 1 ? "F16; the engine needs F32" : "I16, which this engine cannot compute with", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ALatticeTypeIsNamedWithThoseThatWork()
    {
        var shape = new TinyGlm { Embedding = 256 };
        var fault = Assert.IsType<ModelLoadException>(Refused(content => content.Reshape("blk.1.ffn_up_exps.weight", GgmlType.IQ2_XXS, 256, 32, 8), shape));
        Assert.Equal("tensor blk.1.ffn_up_exps.weight", fault.Field);
        Assert.Contains("IQ2_XXS", fault.Message, StringComparison.Ordinal);
        Assert.Contains("Q4_K", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("blk.1.attn_q_norm.weight")]
    [InlineData("blk.0.attn_k_norm.weight")]
    [InlineData("blk.2.attn_k_norm.weight")]
    public void MixedQkNorms(string removed)
    {
        var fault = Assert.IsType<ModelLoadException>(Refused(content => Assert.True(content.Tensors.Remove(removed))));
        Assert.Contains("QK norms", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AQkNormInOneBlockOnly()
    {
        var fault = Refused(
            content =>
            {
                content.Reshape("blk.1.attn_q_norm.weight", GgmlType.F32, 32);
                content.Reshape("blk.1.attn_k_norm.weight", GgmlType.F32, 32);
            },
            new TinyGlm { QkNorm = false });
        Assert.Contains("QK norms", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void VocabulariesThatDisagree()
    {
        var tokens = Refused(content => content.Metadata["tokenizer.ggml.tokens"] = Enumerable.Range(0, 46).Select(id => $"t{id}").ToArray());
        Assert.Equal("tokenizer.ggml.tokens", tokens.Field);
        Assert.Contains("46 tokens for 45 rows", tokens.Message, StringComparison.Ordinal);
        var rows = Assert.IsType<ModelLoadException>(Refused(content => content.Reshape("output.weight", GgmlType.F32, 64, 44)));
        Assert.Equal("tensor output.weight", rows.Field);
        Assert.Contains("44 rows, token_embd.weight has 45", rows.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ExtraTensorsAreNamedInAWarning()
    {
        TinyGlmContent content = new TinyGlm().Build();
        content.Reshape("blk.1.surprise.weight", GgmlType.F32, 8);
        content.Reshape("blk.30.surprise.weight", GgmlType.F32, 8);
        content.Reshape("blk.3.surprise.weight", GgmlType.F32, 8);
        using var open = new OpenModel(content);

        // Block 3 is the NextN block, which nobody looks into.
        Assert.Equal(2, open.Model.Warnings.Count);
        Assert.Contains("blk.1.surprise.weight", open.Model.Warnings[0], StringComparison.Ordinal);
        Assert.Contains("blk.30.surprise.weight", open.Model.Warnings[1], StringComparison.Ordinal);
    }

    [Fact]
    public void OptionalKeysHaveTheirDefaults()
    {
        // Lengths that the defaults give: key and value length are embedding / heads, all of a head is rotated.
        var shape = new TinyGlm { KeyValueHeads = 4, KeyLength = 16, ValueLength = 16, Rotary = 16, LeadingDense = 0, NextNBlocks = 0, NormalizeWeights = false, WeightScale = 1 };
        TinyGlmContent content = shape.Build();
        using var full = new OpenModel(content);
        float[] expected = full.Model.AllLogits([1, 2, 3]);
        foreach (string key in (string[])["attention.head_count_kv", "attention.key_length", "attention.value_length", "rope.dimension_count", "rope.freq_base",
            "leading_dense_block_count", "nextn_predict_layers", "expert_gating_func", "expert_weights_norm", "expert_weights_scale"])
        {
            Assert.True(content.Metadata.Remove($"glm4moe.{key}"));
        }

        content.Metadata["glm4moe.expert_group_count"] = 1u;
        content.Metadata["glm4moe.rope.dimension_sections"] = new int[4];
        using var sparse = new OpenModel(content);
        Assert.Equal(expected, sparse.Model.AllLogits([1, 2, 3]));
    }

    /// <summary>The fault that a changed file is refused with.</summary>
    private static GgufFormatException Refused(Action<TinyGlmContent> change, TinyGlm? shape = null)
    {
        TinyGlmContent content = (shape ?? new TinyGlm()).Build();
        change(content);
        using var folder = new TempFolder();
        content.Write(folder.PathOf("bad.gguf"));
        long before = GC.GetAllocatedBytesForCurrentThread();
        var fault = Assert.ThrowsAny<GgufFormatException>(() =>
        {
            using GgufFile file = GgufFile.Open(folder.PathOf("bad.gguf"));
            using Model model = Model.Load(file);
        });
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 20_000_000);
        Assert.Contains("bad.gguf", fault.Message, StringComparison.Ordinal);
        return fault;
    }
}
