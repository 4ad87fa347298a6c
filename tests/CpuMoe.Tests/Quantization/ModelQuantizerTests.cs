using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using CpuMoe.Gguf;
using CpuMoe.Quantization;
using CpuMoe.Tests.Blocks;
using CpuMoe.Tests.Gguf;
using CpuMoe.Tests.Models;

namespace CpuMoe.Tests.Quantization;

/// <summary>Whole files: types, metadata, parts, faults.</summary>
public sealed class ModelQuantizerTests : IDisposable
{
    // Larger than what is converted at a time.
    private const int LongRows = 2600;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(GgmlType.F32)]
    [InlineData(GgmlType.F16)]
    [InlineData(GgmlType.BF16)]
    [InlineData(GgmlType.Q8_0)]
    public void TensorsGetTheTypesOfTheMixAndKeepTheirValues(GgmlType sourceType)
    {
        string path = WriteSource(sourceType);
        using GgufFile source = GgufFile.Open(path);
        using GgufFile result = Quantize(source, "Q4_K_M");

        Assert.Equal(source.Tensors.Select(tensor => (tensor.Name, tensor.Rank, tensor.ElementCount)), result.Tensors.Select(tensor => (tensor.Name, tensor.Rank, tensor.ElementCount)));
        Assert.Equal(
            [
                ("token_embd.weight", GgmlType.Q4_K), ("blk.0.attn_norm.weight", GgmlType.F32), ("blk.0.attn_v.weight", GgmlType.Q6_K),
                ("blk.0.attn_output.weight", GgmlType.Q4_K), ("blk.0.ffn_gate_inp.weight", GgmlType.F32), ("blk.0.exp_probs_b.bias", GgmlType.F32),
                ("blk.0.ffn_up_exps.weight", GgmlType.Q5_0), ("blk.0.ffn_down_exps.weight", GgmlType.Q8_0), ("output.weight", GgmlType.Q6_K),
            ],
            result.Tensors.Select(tensor => (tensor.Name, tensor.Type)));
        foreach ((GgufTensor before, GgufTensor after) in source.Tensors.Zip(result.Tensors))
        {
            float[] expected = FormatUnderTest.Of(before.Type).Dequantize(before.Bytes);
            FormatUnderTest format = FormatUnderTest.Of(after.Type);
            Assert.True(after.Bytes.SequenceEqual(before.Type == after.Type ? before.Bytes : format.Quantize(expected)), after.Name);
        }
    }

    [Fact]
    public void MetadataAreKeptButForTheTypes()
    {
        using GgufFile source = GgufFile.Open(WriteSource(GgmlType.F16));
        using GgufFile result = Quantize(source, "q2_k");

        Assert.Equal(10, result.Metadata.GetInt32("general.file_type"));
        Assert.Equal(2, result.Metadata.GetInt32("general.quantization_version"));
        Assert.Equal(
            source.Metadata.Entries.Where(entry => entry.Key != "general.file_type").Select(entry => entry.ToString()),
            result.Metadata.Entries.Where(entry => entry.Key is not ("general.file_type" or "general.quantization_version")).Select(entry => entry.ToString()));
    }

    [Fact]
    public void TheNumberOfThreadsAndPartsChangesNoByte()
    {
        using GgufFile source = GgufFile.Open(WriteSource(GgmlType.F16));
        using GgufFile one = Quantize(source, "Q3_K_M", new QuantizationOptions { Threads = 1 });
        IReadOnlyList<string> parts = Quantizer(source, "Q3_K_M").Write(_folder.PathOf("parts.gguf"), new QuantizationOptions { Threads = 3, MaxPartBytes = 300_000 });
        Assert.EndsWith("parts-00001-of-00002.gguf", parts[0], StringComparison.Ordinal);
        using GgufFile many = GgufFile.Open(parts[0]);

        Assert.Equal(parts, many.PartPaths);
        Assert.Equal(one.Tensors.Select(tensor => tensor.Name), many.Tensors.Select(tensor => tensor.Name));
        foreach ((GgufTensor first, GgufTensor second) in one.Tensors.Zip(many.Tensors))
        {
            Assert.True(first.Bytes.SequenceEqual(second.Bytes), first.Name);
        }

        // And from parts to one file, without the keys of the parts.
        IReadOnlyList<string> sourceParts = Quantizer(source, "F16").Write(_folder.PathOf("f16"), new QuantizationOptions { MaxPartBytes = 300_000 });
        using GgufFile splitSource = GgufFile.Open(sourceParts[0]);
        using GgufFile joined = Quantize(splitSource, "Q3_K_M", name: "joined.gguf");
        Assert.Equal(File.ReadAllBytes(one.Path), File.ReadAllBytes(joined.Path));
    }

    [Fact]
    public void RulesChangeTheTypesOfSomeTensors()
    {
        using GgufFile source = GgufFile.Open(WriteSource(GgmlType.F16));
        ModelQuantizer quantizer = Quantizer(
            source, "Q4_K_M", new TensorTypeRule(new Regex("attn_|ffn"), GgmlType.Q8_0), new TensorTypeRule(new Regex("attn_v"), GgmlType.Q5_K), new TensorTypeRule(new Regex("down_exps"), GgmlType.Q2_K));

        Assert.Equal(
            [GgmlType.Q4_K, GgmlType.F32, GgmlType.Q5_K, GgmlType.Q8_0, GgmlType.F32, GgmlType.F32, GgmlType.Q8_0, GgmlType.Q4_0, GgmlType.Q6_K],
            quantizer.Tensors.Select(tensor => tensor.Type));
        Assert.Contains("IQ4_XS cannot be written", Assert.Throws<QuantizationException>(() => Quantizer(source, "Q4_K_M", new TensorTypeRule(new Regex("x"), GgmlType.IQ4_XS))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void QuantisedMatricesAreRefused()
    {
        using GgufFile source = GgufFile.Open(WriteSource(GgmlType.F16));
        using GgufFile result = Quantize(source, "Q4_K_M");
        string message = Assert.Throws<QuantizationException>(() => Quantizer(result, "Q2_K")).Message;

        Assert.Contains("token_embd.weight is Q4_K already", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(GgmlType.F32, "blk.0.ffn_down_exps.weight", float.NaN, "value 77 is NaN")]
    [InlineData(GgmlType.F32, "blk.0.attn_norm.weight", float.NegativeInfinity, "value 77 is -Infinity")]
    [InlineData(GgmlType.F32, "output.weight", 70000f, "value 77 is 70000, and Q6_K holds at most 65504")]
    [InlineData(GgmlType.F16, "token_embd.weight", float.PositiveInfinity, "value 77 is Infinity")]
    [InlineData(GgmlType.F16, "token_embd.weight", float.NaN, "value 77 is NaN")]
    [InlineData(GgmlType.BF16, "token_embd.weight", float.NaN, "value 77 is NaN")]
    public void ValuesThatAreNoNumbersAreRefusedByTensor(GgmlType type, string tensor, float value, string expected)
    {
        using GgufFile source = GgufFile.Open(WriteSource(type, tensor, value));
        int before = Files;
        string message = Assert.Throws<QuantizationException>(() => Quantize(source, "Q4_K_M")).Message;

        Assert.Contains($"tensor {tensor} of {source.Path}: {expected}", message, StringComparison.Ordinal);
        Assert.Equal(before, Files);
    }

    [Fact]
    public void LargeNormsAreCopied()
    {
        using GgufFile source = GgufFile.Open(WriteSource(GgmlType.F32, "blk.0.attn_norm.weight", 1e6f));
        using GgufFile result = Quantize(source, "Q4_K_M");

        Assert.True(result.TryGetTensor("blk.0.attn_norm.weight", out GgufTensor? norm));
        Assert.Equal(1e6f, MemoryMarshal.Cast<byte, float>(norm.Bytes)[77]);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(100_000L)]
    public void AnInterruptionLeavesWhatWasThere(long? maxPartBytes)
    {
        using GgufFile source = GgufFile.Open(WriteSource(GgmlType.F16));
        string path = _folder.PathOf("result.gguf");
        File.WriteAllText(path, "old");
        int before = Files;
        using CancellationTokenSource cancellation = new();
        QuantizationOptions options = new() { Threads = 1, MaxPartBytes = maxPartBytes, Overwrite = true };
        Assert.Throws<OperationCanceledException>(() => Quantizer(source, "Q4_K_M").Write(path, options, Observe, cancellation.Token));

        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal(before, Files);

        void Observe(QuantizationProgress state)
        {
            if (state.BytesRead > state.BytesTotal / 2)
            {
                cancellation.Cancel();
            }
        }
    }

    [Fact]
    public void FilesAreReplacedOnlyWhenAllowed()
    {
        using GgufFile source = GgufFile.Open(WriteSource(GgmlType.F16));
        ModelQuantizer quantizer = Quantizer(source, "Q4_K_M");
        string path = _folder.PathOf("result.gguf");
        string part = _folder.Write("parts-00002-of-00007.gguf", [1]);
        File.WriteAllText(path, "old");

        Assert.Contains("result.gguf exists already", Assert.Throws<IOException>(() => quantizer.Write(path)).Message, StringComparison.Ordinal);
        Assert.Contains($"{part} exists already", Assert.Throws<IOException>(() => quantizer.Write(_folder.PathOf("parts"), new() { MaxPartBytes = 1 })).Message, StringComparison.Ordinal);
        Assert.Equal("old", File.ReadAllText(path));
        quantizer.Write(path, new QuantizationOptions { Overwrite = true });
        using GgufFile result = GgufFile.Open(path);
        Assert.Contains("is the model to be quantised", Assert.Throws<QuantizationException>(() => quantizer.Write(source.Path, new() { Overwrite = true })).Message, StringComparison.Ordinal);
        Assert.Throws<IOException>(() => quantizer.Write(_folder.Path));
        Assert.Throws<IOException>(() => quantizer.Write(_folder.PathOf("none/x.gguf")));
    }

    [Fact]
    public void AModelLargerThanTheDiskIsRefusedBeforehand()
    {
        using (GgufDraft draft = new(_folder.PathOf("large.gguf"), null))
        {
            for (int i = 0; i < 64; i++)
            {
                draft.Declare($"{i}", GgmlType.F32, 1L << 19, 1L << 19);
            }

            Assert.Contains("of free space, the model needs 65536.0 GiB", Assert.Throws<IOException>(draft.CheckSpace).Message, StringComparison.Ordinal);
        }

        Assert.Equal(0, Files);
    }

    private int Files => Directory.GetFiles(_folder.Path).Length;

    private static ModelQuantizer Quantizer(GgufFile source, string mix, params TensorTypeRule[] rules) =>
        new(source, QuantMix.TryFind(mix, out QuantMix? found) ? found : throw new ArgumentException(mix), rules);

    private GgufFile Quantize(GgufFile source, string mix, QuantizationOptions? options = null, string name = "result.gguf") =>
        GgufFile.Open(Quantizer(source, mix).Write(_folder.PathOf(name), options).Single());

    /// <summary>A model of one block with rows of 256, 96 and 32 + 64 values; one value may be replaced.</summary>
    private string WriteSource(GgmlType type, string? faulty = null, float fault = 0)
    {
        Random random = new(8);
        TinyGlmContent content = new();
        content.Metadata["general.architecture"] = "glm4moe";
        content.Metadata["general.file_type"] = 1u;
        content.Metadata["tokenizer.ggml.tokens"] = new[] { "a", "b" };
        Add("token_embd.weight", type, 256, LongRows);
        Add("blk.0.attn_norm.weight", GgmlType.F32, 256);
        Add("blk.0.attn_v.weight", type, 256, 8);
        Add("blk.0.attn_output.weight", type, 512, 16);
        Add("blk.0.ffn_gate_inp.weight", GgmlType.F32, 256, 4);
        Add("blk.0.exp_probs_b.bias", GgmlType.F32, 4);
        Add("blk.0.ffn_up_exps.weight", type, 96, 3, 4);
        Add("blk.0.ffn_down_exps.weight", type, 96, 5, 4);
        Add("output.weight", type, 256, 40);
        string path = _folder.PathOf("source.gguf");
        content.Write(path);
        return path;

        void Add(string name, GgmlType tensorType, params long[] dimensions)
        {
            float[] values = [.. Enumerable.Range(0, (int)dimensions.Aggregate((a, b) => a * b)).Select(_ => (random.NextSingle() - 0.5f) * 0.1f)];
            if (name == faulty)
            {
                values[77] = fault;
            }

            content.Add(name, tensorType, dimensions, Encode(tensorType, values));
        }
    }

    private static byte[] Encode(GgmlType type, float[] values) => type switch
    {
        GgmlType.F32 => TinyGlmContent.Bytes(values),
        GgmlType.BF16 => [.. values.SelectMany(value => BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits(value) >> 16)))],
        _ => FormatUnderTest.Of(type).Quantize(values),
    };
}
