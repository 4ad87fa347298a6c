using System.Text.Json;
using System.Xml.Linq;
using CpuMoe.Cli.Commands;
using CpuMoe.Diagnostics;

namespace CpuMoe.Cli.Tests;

/// <summary><c>cpumoe kernels</c>.</summary>
public class KernelsTests
{
    [Fact]
    public void Measures_every_shape_on_the_best_path()
    {
        string best = InstructionSets.NameOf(KernelProbe.Path);
        CliResult result = Cli.Run("kernels", "--format", "q4_k", "F16", "--isa", best, "--patience", "1", "--threads", "2", "--json");
        JsonElement json = JsonSerializer.Deserialize<JsonElement>(result.Out);
        JsonElement[] kernels = [.. json.GetProperty("kernels").EnumerateArray()];

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Equal(["threads", "read_bandwidth_gb_s", "integer_peak_gop_s", "kernels"], json.EnumerateObject().Select(property => property.Name));
        Assert.Equal([best], json.GetProperty("integer_peak_gop_s").EnumerateObject().Select(peak => peak.Name));
        Assert.Equal(2, json.GetProperty("threads").GetInt32());
        string[] shapes = ["1 ram", "1 cache", "8 ram", "32 ram", "128 ram", "512 ram"];
        Assert.Equal(
            [.. shapes.Select(shape => $"Q4_K {shape}"), .. shapes.Select(shape => $"F16 {shape}")],
            kernels.Select(kernel => $"{kernel.GetProperty("format")} {kernel.GetProperty("columns")} {kernel.GetProperty("weights")}"));
        Assert.All(kernels, kernel => Assert.Equal(["format", "isa", "columns", "weights", "gb_s", "gop_s"], kernel.EnumerateObject().Select(property => property.Name)));

        // Of 2 bytes per value: 2 operations per column and value are 1 per column and byte.
        Assert.All(kernels.Where(kernel => kernel.GetProperty("format").GetString() == "F16"), kernel => Assert.Equal(
            kernel.GetProperty("columns").GetInt32(), kernel.GetProperty("gop_s").GetDouble() / kernel.GetProperty("gb_s").GetDouble(), 1e-6));
    }

    [Fact]
    public void A_lesser_path_is_measured_in_a_process_told_to_use_it()
    {
        Assert.SkipWhen(KernelProbe.Path == VectorPath.Scalar, "This machine, or the runtime as it was told, has no lesser path.");
        string lesser = InstructionSets.NameOf(KernelProbe.Path - 1);
        CliResult result = Cli.Run("kernels", "--format", "Q8_0", "--isa", lesser, "--patience", "1");

        Assert.True(result.ExitCode == ExitCodes.Success, result.Error);
        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Matches($@"(?m)^Q8_0 +{lesser} +\d+\.\d +\d+ %", result.Out);
        Assert.Matches(@"(?m)^\d+ threads; read bandwidth \d+(\.\d)? GB/s; peak of byte products in GOP/s: \d", result.Out);
    }

    [Fact]
    public void The_plot_is_an_image_of_all_kernels()
    {
        KernelsOutput output = new(
            4, 40, new() { ["512"] = 900, ["256"] = 450 },
            [
                new("Q4_K", "512", 1, "ram", 30, 106.7), new("Q4_K", "512", 1, "cache", 60, 213.3), new("Q4_K", "512", 8, "ram", 20, 569),
                new("F16", "256", 1, "ram", 39, 39), new("F16", "256", 8, "ram", 20, 160),
            ]);
        XElement svg = XElement.Parse(RooflinePlot.Draw(output));
        string[] titles = [.. svg.Descendants().Where(element => element.Name.LocalName == "title").Select(title => title.Value)];

        Assert.Equal("svg", svg.Name.LocalName);
        Assert.Contains("Q4_K 512, 1 columns from cache: 60.0 GB/s, 213.3 GOP/s", titles);
        Assert.Equal(output.Kernels.Length, titles.Count(title => title.Contains(" columns from ", StringComparison.Ordinal)));
        double[] heights = [.. new[] { "Q4_K 512, 1 columns from ram", "Q4_K 512, 8 columns from ram" }.Select(HeightOf)];
        Assert.True(heights[1] < heights[0], "More operations per second must be drawn higher.");
        Assert.All(heights, height => Assert.InRange(height, 0, 620));

        double HeightOf(string kernel) => (double)svg.Descendants().Single(element => element.Value.StartsWith(kernel, StringComparison.Ordinal) && element.Attribute("cy") is not null).Attribute("cy")!;
    }

    [Fact]
    public void The_plot_is_written_to_the_file()
    {
        string file = Path.GetTempFileName();
        try
        {
            CliResult result = Cli.Run("kernels", "--format", "Q4_0", "--isa", InstructionSets.NameOf(KernelProbe.Path), "--patience", "1", "--svg", file);

            Assert.Equal(ExitCodes.Success, result.ExitCode);
            Assert.Contains("Q4_0", File.ReadAllText(file), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task A_set_that_the_process_lacks_is_a_failure()
    {
        using ChildProcess child = new(new Dictionary<string, string> { ["DOTNET_EnableAVX512"] = "0" }, "kernels", "--isa", "512");
        CliResult result = await child.FinishAsync();

        Assert.Equal(ExitCodes.Failure, result.ExitCode);
        Assert.Contains("--isa 512: this machine", result.ErrorLine, StringComparison.Ordinal);
    }
}
