using System.Text.Json;
using System.Text.Json.Nodes;
using CpuMoe.Testing;

namespace CpuMoe.Cli.Tests;

/// <summary><c>cpumoe fit</c> with given figures instead of measurements.</summary>
public sealed class FitTests : IDisposable
{
    private static readonly string[] Mixes = ["Q2_K", "Q3_K_M", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "F16"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cpumoe-fit-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_known_model_has_a_row_per_quantisation()
    {
        JsonNode output = Json("glm-4.5-air", "--machine", Machine(), "--ctx", "32768", "--memory", "64GiB");
        JsonNode model = Assert.Single(output["models"]!.AsArray())!;
        JsonArray rows = Assert.Single(model["machines"]!.AsArray())!["rows"]!.AsArray();

        Assert.Equal(("glm-4.5-air", 110_468_824_832), ((string)model["model"]!, (long)model["parameters"]!));
        Assert.Equal((32768, "f16", 512), ((int)output["context"]!, (string)output["kv_type"]!, (int)output["prompt_tokens"]!));
        Assert.Equal(Mixes, rows.Select(row => (string)row!["quantization"]!));
        JsonNode small = rows[0]!, usual = rows[2]!;
        Assert.Equal(
            [
                "quantization", "is_file", "file_bytes", "resident_bytes", "smallest_bytes", "active_bytes_per_token", "fits", "decode_resident", "prefill_resident",
                "hit_rate", "quality", "grade",
            ],
            small.AsObject().Select(key => key.Key));
        Assert.True((bool)small["fits"]!);
        Assert.False((bool)usual["fits"]!);
        Assert.InRange((double)usual["decode_paged"]!, 0.1, (double)usual["decode_resident"]!);
        Assert.InRange((double)usual["prefill_paged"]!, 0.1, (double)usual["prefill_resident"]!);
        Assert.InRange((double)usual["hit_rate"]!, 0.5, 1);
        Assert.Equal("good", (string)usual["quality"]!);
    }

    [Fact]
    public void What_json_writes_machine_takes()
    {
        JsonNode first = Json("glm-4.5", "--machine", Machine());
        string file = Path.Combine(_folder.FullName, "again.json");
        File.WriteAllText(file, first["machine"]!.ToJsonString());

        Assert.True(JsonNode.DeepEquals(first, Json("glm-4.5", "--machine", file)));
    }

    [Fact]
    public void A_file_comes_first_with_the_types_it_has()
    {
        JsonNode model = Assert.Single(Json(TestData.DemoModel, "--machine", Machine(), "--ctx", "512")["models"]!.AsArray())!;
        JsonArray rows = model["machines"]![0]!["rows"]!.AsArray();

        Assert.Equal(["Q4_K_M", .. Mixes], rows.Select(row => (string)row!["quantization"]!));
        Assert.Equal([true, false, false, false, false, false, false, false], rows.Select(row => (bool)row!["is_file"]!));
        Assert.Equal(new FileInfo(TestData.DemoModel).Length, (long)rows[0]!["file_bytes"]!);
    }

    [Fact]
    public void Without_a_name_all_known_models_are_shown()
    {
        CliResult result = Cli.Run("fit", "--machine", Machine());

        Assert.Equal((ExitCodes.Success, ""), (result.ExitCode, result.Error));
        Assert.Contains("8 threads, memory 50.0 GB/s, disk 2.0 GB/s; 8192 tokens of context in f16", result.Out, StringComparison.Ordinal);
        Assert.Equal(["glm-4.5", "glm-4.5-air", "glm-4.6"], Headings(result).Select(heading => heading.Split(',')[0]));
        Assert.Matches(@"\nQ4_K_M +67\.9 GiB .* good +[A-F]", result.Out);
    }

    [Fact]
    public void Devices_follow_this_machine()
    {
        string file = Path.Combine(_folder.FullName, "devices.json");
        File.WriteAllText(file, """{"devices": [{"name": "mine", "memory": "96GiB", "bandwidth_gb_s": 100, "cores": 16, "disk_gb_s": 7}]}""");
        string[] builtIn = Headings(Cli.Run("fit", "glm-4.5-air", "--machine", Machine(), "--devices"));
        string[] all = Headings(Cli.Run("fit", "glm-4.5-air", "--machine", Machine(), "--devices", file));

        Assert.True(builtIn.Length > 3);
        Assert.Equal([.. builtIn, "glm-4.5-air, 110 G weights, on mine with 94.0 GiB for it:"], all);
    }

    [Fact]
    public void A_repository_that_is_not_here_goes_by_its_name()
    {
        CliResult result = Cli.Run("fit", "hf:someone/GLM-4.5-Air-GGUF", "--machine", Machine());

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Contains("by its name it is glm-4.5-air", result.ErrorLine, StringComparison.Ordinal);
        Assert.Contains("glm-4.5-air", Assert.Single(Headings(result)), StringComparison.Ordinal);

        CliResult unknown = Cli.Run("fit", "hf:someone/Other-GGUF", "--machine", Machine());
        Assert.Contains("cpumoe pull hf:someone/Other-GGUF", unknown.ErrorLine, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("models that need no file are glm-4.5, glm-4.5-air, glm-4.6", "glm-5")]
    [InlineData("--ctx 200000 is more than the 131072 tokens of the model", "glm-4.5", "--ctx", "200000")]
    [InlineData("no such file: none.json", "glm-4.5", "--machine", "none.json")]
    [InlineData("no such file: none.json", "glm-4.5", "--devices", "none.json")]
    public void Faults_are_told_in_one_line(string expected, params string[] args)
    {
        CliResult result = Cli.Run(["fit", .. args, .. args.Contains("--machine") ? (string[])[] : ["--machine", Machine()]]);

        Assert.Equal((ExitCodes.Failure, ""), (result.ExitCode, result.Out));
        Assert.Contains(expected, result.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public void Faults_in_files_name_the_file()
    {
        string file = Path.Combine(_folder.FullName, "faulty.json");
        File.WriteAllText(file, """{"devices": [{"name": "mine", "memory": "96GiB", "bandwidth_gb_s": 100, "cores": -1}]}""");

        Assert.Contains($"{file}: device 'mine': cores must be 1 to", Cli.Run("fit", "glm-4.5", "--machine", Machine(), "--devices", file).ErrorLine, StringComparison.Ordinal);
        Assert.Contains($"{file} is not as it should be", Cli.Run("fit", "glm-4.5", "--machine", file).ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public void The_help_states_the_thresholds()
    {
        string help = Cli.Run("fit", "--help").Out.ReplaceLineEndings(" ");

        Assert.Contains("SS 20 and 100, S 10 and 50, A 5 and 25, B 2.5 and 10, C 1 and 4", help, StringComparison.Ordinal);
    }

    private static string[] Headings(CliResult result) => [.. result.Out.Split('\n').Where(line => line.EndsWith(" for it:", StringComparison.Ordinal))];

    private static JsonNode Json(params string[] args)
    {
        CliResult result = Cli.Run(["fit", .. args, "--json"]);
        Assert.Equal((ExitCodes.Success, ""), (result.ExitCode, result.Error));
        return JsonNode.Parse(result.Out)!;
    }

    /// <summary>A file with the figures of a machine.</summary>
    private string Machine()
    {
        string file = Path.Combine(_folder.FullName, "machine.json");
        string[] types = ["F32", "F16", "Q8_0", "Q4_0", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"];
        string kernel = """{"decode_bytes_per_second": 4e10, "cache_bytes_per_second": 9e10, "prefill32_per_second": 3e11, "prefill512_per_second": 4e11}""";
        File.WriteAllText(file, $$"""
            {"name": "this machine", "threads": 8, "memory_bytes": 68719476736, "read_bytes_per_second": 5e10, "disk_bytes_per_second": 2e9,
             "region_seconds": 1e-6, "attention": {"decode_per_second": 1e11, "prefill_per_second": 2e11},
             "kernels": { {{string.Join(", ", types.Select(type => $"{JsonSerializer.Serialize(type)}: {kernel}"))}} } }
            """);
        return file;
    }
}
