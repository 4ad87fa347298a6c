using System.Globalization;
using System.Text.Json;
using CpuMoe.Testing;

namespace CpuMoe.Cli.Tests;

/// <summary><c>cpumoe perplexity</c>.</summary>
public class PerplexityTests
{
    private static readonly string TextFile = Path.Combine(TestData.DataFolder, "demo", "ppl.txt");

    [Theory]
    [InlineData("Q4_K_M", 128)]
    [InlineData("Q4_K_M", 512)]
    [InlineData("Q8_0", 128)]
    public void Equals_the_value_of_the_reference_engine(string mix, int context)
    {
        JsonElement golden = JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(Path.Combine(TestData.DataFolder, "demo", "ppl.json")));
        double expected = golden.GetProperty("perplexity").GetProperty(mix).GetProperty($"ppl.txt@{context}:truth").GetDouble();
        CliResult result = Cli.Run("perplexity", "-m", TestData.DemoModelOf(mix), "-f", TextFile, "--ctx", $"{context}", "--json");
        JsonElement json = JsonSerializer.Deserialize<JsonElement>(result.Out);

        Assert.Empty(result.Error);
        Assert.Equal(["perplexity", "standard_error", "tokens", "chunks"], json.EnumerateObject().Select(property => property.Name));
        Assert.Equal(expected, json.GetProperty("perplexity").GetDouble(), expected * 0.004);
        int chunks = json.GetProperty("chunks").GetInt32();
        Assert.Equal(chunks * (context / 2 - 1), json.GetProperty("tokens").GetInt32());
    }

    [Fact]
    public void Prints_four_decimals_and_the_error()
    {
        CliResult result = Cli.Run("perplexity", "-m", TestData.DemoModel, "-f", TextFile, "--ctx", "128");

        Assert.Equal(ExitCodes.Success, result.ExitCode);
        Assert.Matches(@"^perplexity 3\.\d{4} \+/- 0\.\d{4} \(\d+ tokens in \d+ chunks of 128\)\n$", result.Out);
    }

    [Fact]
    public void Logits_of_the_scored_positions_give_the_same_value()
    {
        string text = Path.GetTempFileName(), logits = Path.GetTempFileName();
        try
        {
            File.WriteAllText(text, File.ReadAllText(TextFile)[..600]);
            CliResult result = Cli.Run("perplexity", "-m", TestData.DemoModel, "-f", text, "--ctx", "100", "--json", "--logits-out", logits);
            JsonElement json = JsonSerializer.Deserialize<JsonElement>(result.Out);
            int[] ids = [.. Cli.RunWithInput(File.ReadAllText(text), "tokenize", "-m", TestData.DemoModel, "--no-special", "-")
                .Out.Split(' ').Select(word => int.Parse(word, CultureInfo.InvariantCulture))];
            byte[] bytes = File.ReadAllBytes(logits);

            const int Vocabulary = 2304;
            int scored = json.GetProperty("tokens").GetInt32();
            Assert.Equal((long)scored * Vocabulary * sizeof(float), bytes.Length);
            double sum = 0;
            for (int row = 0; row < scored; row++)
            {
                double[] values = [.. Enumerable.Range(0, Vocabulary).Select(i => (double)BitConverter.ToSingle(bytes, (row * Vocabulary + i) * sizeof(float)))];
                int target = ids[row / 49 * 100 + 50 + row % 49 + 1];
                sum += Math.Log(values.Sum(Math.Exp)) - values[target];
            }

            Assert.Equal(json.GetProperty("perplexity").GetDouble(), Math.Exp(sum / scored), 1e-6);
        }
        finally
        {
            File.Delete(text);
            File.Delete(logits);
        }
    }

    [Fact]
    public void A_text_shorter_than_a_chunk_is_a_failure()
    {
        string text = Path.GetTempFileName();
        try
        {
            File.WriteAllText(text, "The capital");
            CliResult result = Cli.Run("perplexity", "-m", TestData.DemoModel, "-f", text);

            Assert.Equal(ExitCodes.Failure, result.ExitCode);
            Assert.Contains("fewer than one chunk of 512", result.ErrorLine, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(text);
        }
    }

    [Fact]
    public void A_text_must_be_utf8()
    {
        CliResult result = Cli.Run("perplexity", "-m", TestData.DemoModel, "-f", TestData.DemoModel);

        Assert.Equal(ExitCodes.Failure, result.ExitCode);
        Assert.Contains("is not valid UTF-8", result.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_cannot_take_the_logits_is_a_failure()
    {
        CliResult result = Cli.Run("perplexity", "-m", TestData.DemoModel, "-f", TextFile, "--ctx", "128", "--logits-out", Path.Combine(TestData.DataFolder, "none", "x.bin"));

        Assert.Equal(ExitCodes.Failure, result.ExitCode);
        Assert.Contains("x.bin", result.ErrorLine, StringComparison.Ordinal);
    }
}
