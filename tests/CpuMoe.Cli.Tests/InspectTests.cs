using System.Globalization;
using System.Text.Json;
using CpuMoe.Gguf;
using CpuMoe.Testing;

namespace CpuMoe.Cli.Tests;

/// <summary><c>cpumoe inspect</c>.</summary>
public class InspectTests
{
    [Fact]
    public void Shows_sizes_types_and_metadata_of_the_demo_model()
    {
        CliResult result = Cli.Run("inspect", TestData.DemoModel);

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Empty(result.Error);
        Assert.Matches(@"(?m)^architecture +glm4moe$", result.Out);
        Assert.Matches(@"(?m)^weights +16\.9 M \(\d+\)$", result.Out);
        Assert.Matches(@"(?m)^blocks +4, and 1 for multi-token prediction", result.Out);
        Assert.Matches(@"(?m)^glm4moe\.nextn_predict_layers +u32 +1$", result.Out);
        Assert.Matches(@"(?m)^Q4_K +\d+ +\d+", result.Out);
        Assert.Matches(@"(?m)^tokenizer\.ggml\.tokens +str\[2304\] +\[.*\.\.\.\]$", result.Out);
        Assert.DoesNotContain("blk.0.attn_q.weight", result.Out, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', result.Out);
    }

    [Fact]
    public void Lists_the_tensors_on_request()
    {
        string output = Cli.Run("inspect", TestData.DemoModel, "--tensors").Out;

        Assert.Matches(@"(?m)^blk\.0\.attn_q\.weight +\w+ +256 x 512 +\d+$", output);
        Assert.Contains("blk.4.nextn.eh_proj.weight", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_agrees_with_the_file()
    {
        CliResult result = Cli.Run("inspect", TestData.DemoModel, "--tensors", "--json");
        JsonElement json = JsonSerializer.Deserialize<JsonElement>(result.Out);
        JsonElement[] types = [.. json.GetProperty("types").EnumerateArray()], tensors = [.. json.GetProperty("tensors").EnumerateArray()];

        Assert.Equal(new FileInfo(TestData.DemoModel).Length, json.GetProperty("file_bytes").GetInt64());
        Assert.Equal("glm4moe", json.GetProperty("architecture").GetString());
        Assert.Equal(types.Sum(type => type.GetProperty("count").GetInt32()), tensors.Length);
        Assert.Equal(types.Sum(type => type.GetProperty("bytes").GetInt64()), tensors.Sum(tensor => tensor.GetProperty("bytes").GetInt64()));
        Assert.Equal(json.GetProperty("weights").GetInt64(), tensors.Sum(tensor => tensor.GetProperty("dimensions").Deserialize<long[]>()!.Aggregate((x, y) => x * y)));
        Assert.Equal("16.9", (json.GetProperty("weights").GetInt64() / 1e6).ToString("F1", CultureInfo.InvariantCulture));
        JsonElement tokens = json.GetProperty("metadata").GetProperty("tokenizer.ggml.tokens");
        Assert.Equal("str", tokens.GetProperty("array").GetString());
        Assert.Equal(2304, tokens.GetProperty("length").GetInt32());
        Assert.Equal(8, tokens.GetProperty("first").GetArrayLength());
        JsonElement model = json.GetProperty("model");
        Assert.Equal(1, model.GetProperty("nextn_blocks").GetInt32());
        // 4 blocks, 2 KV heads of 64 values, keys and values, 2 bytes each; Q8_0 has 34 bytes per 32 values.
        Assert.Equal(4 * 2 * 64 * 2 * 2, model.GetProperty("kv_bytes_per_token").GetProperty("f16").GetInt64());
        Assert.Equal(4 * 2 * 64 * 2 / 32 * 34, model.GetProperty("kv_bytes_per_token").GetProperty("q8_0").GetInt64());
        Assert.InRange(model.GetProperty("active_parameters").GetInt64(), 4_000_000, 7_000_000);
        Assert.Empty(json.GetProperty("warnings").EnumerateArray());
    }

    [Fact]
    public void An_unknown_architecture_is_shown_without_the_lines_of_the_model()
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.gguf");
        try
        {
            WriteOtherModel(path);
            CliResult text = Cli.Run("inspect", path);
            JsonElement json = JsonSerializer.Deserialize<JsonElement>(Cli.Run("inspect", path, "--json").Out);

            Assert.Equal(ExitCodes.Success, text.ExitCode);
            Assert.Matches(@"(?m)^architecture +other$", text.Out);
            Assert.DoesNotContain("KV cache", text.Out, StringComparison.Ordinal);
            Assert.False(json.TryGetProperty("model", out _));
            Assert.Equal("NaN", json.GetProperty("metadata").GetProperty("other.odd").GetString());
            Assert.Equal(64, json.GetProperty("weights").GetInt64());
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_model_that_cannot_be_run_is_shown_with_the_reason()
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.gguf");
        try
        {
            using (GgufWriter writer = GgufWriter.Create(path))
            {
                writer.Add("general.architecture", "glm4moe");
                writer.Declare("some.weight", GgmlType.F32, 16);
                writer.WriteTensor("some.weight", new byte[16 * sizeof(float)]);
                writer.Complete();
            }

            CliResult result = Cli.Run("inspect", path);

            Assert.Equal(ExitCodes.Success, result.ExitCode);
            Assert.Matches(@"(?m)^warning .*glm4moe\.", result.Out);
            Assert.Matches(@"(?m)^F32 +1 +64", result.Out);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void WriteOtherModel(string path)
    {
        using GgufWriter writer = GgufWriter.Create(path);
        writer.Add("general.architecture", "other");
        writer.Add("other.odd", float.NaN);
        writer.Declare("some.weight", GgmlType.F32, 16, 4);
        writer.WriteTensor("some.weight", new byte[64 * sizeof(float)]);
        writer.Complete();
    }
}
