using System.Text.Json;
using CpuMoe.Cli.Commands;
using CpuMoe.Gguf;
using CpuMoe.Models;
using CpuMoe.Testing;

namespace CpuMoe.Cli.Tests;

/// <summary><c>cpumoe bench</c>.</summary>
public class BenchTests
{
    [Fact]
    public async Task Json_has_the_agreed_shape_and_consistent_numbers()
    {
        // In a process of its own: allocations of other tests would be counted.
        using ChildProcess child = new("bench", "-m", TestData.DemoModel, "-p", "24", "-n", "8", "--depth", "16", "-r", "2", "--threads", "2", "--json");
        CliResult result = await child.FinishAsync();
        JsonElement json = JsonSerializer.Deserialize<JsonElement>(result.Out);

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Empty(result.Error);
        Assert.Equal(
            ["model", "threads", "prompt_tokens", "gen_tokens", "depth", "prefill", "decode", "active_bytes_per_token", "read_bandwidth_gb_s", "wall_ratio", "peak_rss_bytes", "load_ms", "allocated_bytes_per_token"],
            json.EnumerateObject().Select(property => property.Name));
        CheckRate(json.GetProperty("prefill"), "median", "min", "max");
        CheckRate(json.GetProperty("decode"), "median", "min", "max", "p50_ms", "p99_ms");
        CheckLatencies(json.GetProperty("decode"));

        using GgufFile file = GgufFile.Open(TestData.DemoModel);
        long active = ModelSummary.FromGguf(file)!.ActiveBytesPerToken;
        Assert.Equal((2, 24, 8, 16), (Int("threads"), Int("prompt_tokens"), Int("gen_tokens"), Int("depth")));
        Assert.Equal(TestData.DemoModel, json.GetProperty("model").GetString());
        Assert.Equal(active, json.GetProperty("active_bytes_per_token").GetInt64());
        double used = active * json.GetProperty("decode").GetProperty("median").GetDouble() / 1e9;
        Assert.Equal(used / Number("read_bandwidth_gb_s"), Number("wall_ratio"), 1e-9);
        Assert.InRange(Number("peak_rss_bytes"), file.FileBytes, 1e10);
        Assert.True(Number("load_ms") > 0);

        // A pass allocates nothing; the runtime does, a few bytes, when a worker comes to wait for the first time.
        Assert.InRange(Number("allocated_bytes_per_token"), 0, 64);

        int Int(string name) => json.GetProperty(name).GetInt32();
        double Number(string name) => json.GetProperty(name).GetDouble();
    }

    [Fact]
    public void Generation_is_measured_without_the_probes()
    {
        CliResult result = Cli.Run("bench", "-m", TestData.DemoModel, "-p", "6", "-n", "5", "-r", "3", "--generate", "--json");
        JsonElement json = JsonSerializer.Deserialize<JsonElement>(result.Out);

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Equal(
            ["model", "threads", "prompt_tokens", "gen_tokens", "depth", "prefill", "decode", "active_bytes_per_token", "peak_rss_bytes", "load_ms"],
            json.EnumerateObject().Select(property => property.Name));
        string[] disk = OperatingSystem.IsLinux() ? ["read_bytes_per_token"] : [];
        CheckRate(json.GetProperty("prefill"), ["median", "min", "max", .. disk]);
        CheckRate(json.GetProperty("decode"), ["median", "min", "max", "p50_ms", "p99_ms", .. disk]);
        CheckLatencies(json.GetProperty("decode"));
    }

    [Fact]
    public void Generation_prints_the_time_of_a_token()
    {
        CliResult result = Cli.Run("bench", "-m", TestData.DemoModel, "-p", "3", "-n", "2", "-r", "1", "--generate");

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Matches(@"(?m)^decode 2 +\d+\.\d\d +\d+\.\d\d +\d+\.\d\d$", result.Out);
        Assert.Matches(@"(?m)^a token takes \d+\.\d\d ms, one in 100 at least \d+\.\d\d ms", result.Out);
        Assert.DoesNotContain("bandwidth", result.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--generate needs a prompt", "--generate", "-p", "0")]
    [InlineData("exclude each other", "--generate", "--depth", "4")]
    public void Generation_starts_with_a_prompt_in_an_empty_cache(string error, params string[] options)
    {
        CliResult result = Cli.Run(["bench", "-m", TestData.DemoModel, .. options]);

        Assert.Equal(ExitCodes.Usage, result.ExitCode);
        Assert.Contains(error, result.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public void Prints_a_table_and_where_the_memory_stands()
    {
        CliResult result = Cli.Run("bench", "-m", TestData.DemoModel, "-p", "4", "-n", "4", "--depth", "2", "-r", "1", "--batch", "2");

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Empty(result.Error);
        Assert.Matches(@"(?m)^prefill 4 at 2 +\d+\.\d\d +\d+\.\d\d +\d+\.\d\d$", result.Out);
        Assert.Matches(@"(?m)^decode 4 at 2 +\d+\.\d\d +\d+\.\d\d +\d+\.\d\d$", result.Out);
        Assert.Matches(@"(?m)^\d+ threads, active weights per token \d+\.\d MiB, read bandwidth \d+\.\d GB/s$", result.Out);
        Assert.Matches(@"(?m)^decode reads \d+\.\d GB/s of weights: \d+\.\d\d of the bandwidth", result.Out);
        Assert.Matches(@"(?m)^a token takes \d+\.\d\d ms, one in 100 at least \d+\.\d\d ms$", result.Out);
    }

    [Fact]
    public void What_is_left_out_is_absent()
    {
        CliResult result = Cli.Run("bench", "-m", TestData.DemoModel, "-p", "4", "-n", "0", "-r", "1", "--json");
        JsonElement json = JsonSerializer.Deserialize<JsonElement>(result.Out);

        Assert.True(json.TryGetProperty("prefill", out _));
        Assert.All((string[])["decode", "wall_ratio", "allocated_bytes_per_token"], name => Assert.False(json.TryGetProperty(name, out _)));
    }

    [Fact]
    public void More_tokens_than_the_model_takes_are_a_failure()
    {
        CliResult result = Cli.Run("bench", "-m", TestData.DemoModel, "-p", "100", "-n", "1", "--depth", "2000");

        Assert.Equal(ExitCodes.Failure, result.ExitCode);
        Assert.Contains("2000 + 100 tokens are more than the 2048 of the model", result.ErrorLine, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new double[] { 5 }, 5, 5, 5)]
    [InlineData(new double[] { 4, 1 }, 2.5, 1, 4)]
    [InlineData(new double[] { 9, 1, 3 }, 3, 1, 9)]
    [InlineData(new double[] { 8, 2, 4, 1 }, 3, 1, 8)]
    public void The_median_is_the_middle(double[] rates, double median, double min, double max) =>
        Assert.Equal(new RateOutput(median, min, max), BenchCommand.Summarize(rates));

    [Theory]
    [InlineData(50, 50)]
    [InlineData(99, 99)]
    [InlineData(100, 100)]
    public void A_percentile_is_a_value_that_occurs(int percent, double expected) =>
        Assert.Equal(expected, BenchCommand.Percentile(Enumerable.Range(1, 100).Reverse().Select(i => (double)i), percent));

    [Theory]
    [InlineData(50, 2)]
    [InlineData(99, 3)]
    public void Few_values_have_percentiles_too(int percent, double expected) => Assert.Equal(expected, BenchCommand.Percentile([3, 1, 2], percent));

    private static void CheckRate(JsonElement rate, params string[] names)
    {
        Assert.Equal(names, rate.EnumerateObject().Select(property => property.Name));
        Assert.True(rate.GetProperty("min").GetDouble() > 0);
        Assert.InRange(rate.GetProperty("median").GetDouble(), rate.GetProperty("min").GetDouble(), rate.GetProperty("max").GetDouble());
    }

    private static void CheckLatencies(JsonElement decode)
    {
        Assert.True(decode.GetProperty("p50_ms").GetDouble() > 0);
        Assert.True(decode.GetProperty("p50_ms").GetDouble() <= decode.GetProperty("p99_ms").GetDouble());
    }
}
