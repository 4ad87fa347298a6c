using System.CommandLine;
using System.Text.Json;
using System.Xml.Linq;
using CpuMoe.Cli.Arguments;
using CpuMoe.Experts;
using CpuMoe.Testing;

namespace CpuMoe.Cli.Tests;

/// <summary><c>cpumoe experts</c> and the option <c>--memory</c>.</summary>
public sealed class ExpertsTests : IDisposable
{
    private readonly string _trace = Path.GetTempFileName();
    private readonly string _svg = Path.GetTempFileName();

    public ExpertsTests() => File.WriteAllBytes(_trace, ExpertTraces.Random(1, layers: 3, experts: 16, used: 4, passes: 100));

    public void Dispose()
    {
        File.Delete(_trace);
        File.Delete(_svg);
    }

    [Fact]
    public void Compares_policies_over_sizes_and_shows_the_layers()
    {
        CliResult result = Cli.Run("experts", _trace);

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Empty(result.Error);
        Assert.Matches(@"(?m)^experts +4 of 16 per token, in 3 layers$", result.Out);
        Assert.Matches(@"(?m)^decode +95 tokens in 95 passes$", result.Out);
        Assert.Matches(@"(?m)^ +24 +50\.0 % +70\.3 KiB( +\d+\.\d %){3}( +\d+(\.\d)? \w+){3}$", result.Out);
        Assert.Matches(@"(?m)^ +48 +100\.0 % ", result.Out);
        Assert.Matches(@"(?m)^ +3 +16 +\d+\.\d % +\d+\.\d %$", result.Out);
    }

    [Fact]
    public void Json_has_the_analysis()
    {
        CliResult result = Cli.Run("experts", _trace, "--json", "--sizes", "50%", "30KB", "7", "--sizes", "1%");
        JsonElement json = JsonSerializer.Deserialize<JsonElement>(result.Out);
        JsonElement[] caches = [.. json.GetProperty("caches").EnumerateArray()], layers = [.. json.GetProperty("layers").EnumerateArray()];

        // 30 KB hold 10 experts of 3000 bytes, 1 % is less than a token needs.
        Assert.Equal([4, 7, 10, 24], caches.Select(cache => cache.GetProperty("slots").GetInt32()));
        Assert.Equal([12_000, 21_000, 30_000, 72_000], caches.Select(cache => cache.GetProperty("bytes").GetInt64()));
        Assert.All(caches, cache => Assert.All((string[])["lru", "shipped", "belady"], policy =>
        {
            JsonElement hits = cache.GetProperty(policy);
            Assert.Equal(["hit_rate", "decode_hit_rate", "decode_bytes_per_token", "prefill_bytes_per_token"], hits.EnumerateObject().Select(property => property.Name));
            Assert.InRange(hits.GetProperty("hit_rate").GetDouble(), 0, cache.GetProperty("belady").GetProperty("hit_rate").GetDouble());
        }));
        Assert.Equal([1, 2, 3], layers.Select(layer => layer.GetProperty("block").GetInt32()));
        Assert.All(layers, layer => Assert.Equal(16, layer.GetProperty("passes").GetArrayLength()));
        Assert.Equal(json.GetProperty("accesses").GetInt64(), layers.Sum(layer => layer.GetProperty("passes").EnumerateArray().Sum(passes => passes.GetInt64())));
        Assert.Equal(48, json.GetProperty("total_experts").GetInt32());
    }

    [Fact]
    public void The_heat_map_has_a_cell_for_every_expert()
    {
        CliResult result = Cli.Run("experts", _trace, "--svg", _svg);
        XElement svg = XElement.Parse(File.ReadAllText(_svg));
        string[] titles = [.. svg.Descendants().Where(element => element.Name.LocalName == "title").Select(title => title.Value)];

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Equal("svg", svg.Name.LocalName);
        Assert.Equal(48, titles.Length);
        Assert.Equal(48, titles.Distinct().Count());
        Assert.Contains(titles, title => title.StartsWith("block 3, expert 15: ", StringComparison.Ordinal));

        // Experts with low numbers are popular in this trace, and darker.
        XElement[] cells = [.. svg.Descendants().Where(element => element.Elements().Any())];
        Assert.True(Lightness(cells[0]) < Lightness(cells[15]));

        static int Lightness(XElement cell) => int.Parse(((string)cell.Attribute("fill")!).Split(',')[2].TrimEnd(')', '%'), System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public void A_trace_of_nothing_is_shown()
    {
        File.WriteAllBytes(_trace, ExpertTraces.OfPasses(8, 2));
        CliResult text = Cli.Run("experts", _trace, "--svg", _svg), json = Cli.Run("experts", _trace, "--json");

        Assert.Equal((ExitCodes.Success, ExitCodes.Success), (text.ExitCode, json.ExitCode));
        Assert.Matches(@"(?m)^used again by the next token +-$", text.Out);
        Assert.False(JsonSerializer.Deserialize<JsonElement>(json.Out).TryGetProperty("consecutive_overlap", out _));
        Assert.Equal("svg", XElement.Parse(File.ReadAllText(_svg)).Name.LocalName);
    }

    [Fact]
    public void What_is_no_trace_is_a_failure()
    {
        byte[] bytes = File.ReadAllBytes(_trace);
        File.WriteAllBytes(_trace, bytes[..^1]);
        CliResult truncated = Cli.Run("experts", _trace), model = Cli.Run("experts", TestData.DemoModel), missing = Cli.Run("experts", "none.trace");

        Assert.All((CliResult[])[truncated, model, missing], result => Assert.Equal((ExitCodes.Failure, ""), (result.ExitCode, result.Out)));
        Assert.Contains($"expert at byte {bytes.Length - 1}: the file ends here", truncated.ErrorLine, StringComparison.Ordinal);
        Assert.Contains("magic at byte 0: this is not an expert trace", model.ErrorLine, StringComparison.Ordinal);
        Assert.Equal("cpumoe: no such file: none.trace", missing.ErrorLine);
    }

    [Theory]
    [InlineData("12GiB", 12L << 30)]
    [InlineData("1.5GB", 1_500_000_000)]
    [InlineData("unlimited", long.MaxValue)]
    public void Memory_is_a_size_or_a_word(string text, long bytes)
    {
        Option<MemoryBudget?> option = MemoryOption.Create();

        Assert.Equal(bytes, new RootCommand { option }.Parse(["--memory", text]).GetValue(option)!.Value.Resolve());
        Assert.Null(new RootCommand { option }.Parse([]).GetValue(option));
        Assert.True(new RootCommand { option }.Parse(["--memory", "auto"]).GetValue(option)!.Value.IsAuto);
    }

    [Theory]
    [InlineData("12Gi")]
    [InlineData("-1")]
    [InlineData("")]
    public void Other_memory_is_a_fault(string text) => Assert.Equal(
        $"--memory must be a size such as 12GiB, 512MiB, 1.5GB or a number of bytes, auto or unlimited, not '{text}'",
        Assert.Single(new RootCommand { MemoryOption.Create() }.Parse(["--memory", text]).Errors).Message);
}
