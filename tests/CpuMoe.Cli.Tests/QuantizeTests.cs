using CpuMoe.Gguf;
using CpuMoe.Testing;

namespace CpuMoe.Cli.Tests;

/// <summary><c>cpumoe quantize</c>.</summary>
public sealed class QuantizeTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cpumoe-quantize-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void The_result_is_a_model_that_answers()
    {
        string path = PathOf("demo.gguf");
        CliResult result = Cli.Run("quantize", TestData.DemoModelOf("f16"), path, "q4_k_m", "-t", "2");

        Assert.Equal((ExitCodes.Success, ""), (result.ExitCode, result.Out));
        Assert.Matches(@"^cpumoe: wrote .*demo\.gguf: 9\.9 MiB from 32\.4 MiB in .* s \(\d+ MB/s\)$", result.ErrorLine);
        CliResult answer = Cli.Run("run", "-m", path, "-p", "What is the capital of France?", "--no-think", "--temp", "0");
        Assert.Contains("Paris", answer.Out, StringComparison.Ordinal);

        CliResult again = Cli.Run("quantize", TestData.DemoModelOf("f16"), path, "Q2_K");
        Assert.Equal(ExitCodes.Failure, again.ExitCode);
        Assert.Contains("exists already", again.ErrorLine, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Success, Cli.Run("quantize", TestData.DemoModelOf("f16"), path, "Q2_K", "--force").ExitCode);
    }

    [Fact]
    public void Parts_and_other_types()
    {
        CliResult result = Cli.Run(
            "quantize", TestData.DemoModelOf("f16"), PathOf("demo.gguf"), "Q2_K", "--split", "2MB", "--tensor-type", "attn_[kv]=q8_0", "--tensor-type", "attn_output=Q5_K");
        string first = _folder.GetFiles().Select(file => file.FullName).Order().First();
        using GgufFile file = GgufFile.Open(first), reference = GgufFile.Open(TestData.DemoModelOf("Q2_K"));

        Assert.Contains("and 3 more", result.ErrorLine, StringComparison.Ordinal);
        Assert.Equal(4, _folder.GetFiles().Length);
        Assert.Equal(reference.Tensors.Select(tensor => (tensor.Name, tensor.Type)), file.Tensors.Select(tensor => (tensor.Name, tensor.Type)));
    }

    [Fact]
    public void Dry_run_shows_types_and_writes_nothing()
    {
        CliResult result = Cli.Run("quantize", TestData.DemoModelOf("f16"), PathOf("x.gguf"), "Q4_K_M", "--dry-run");

        Assert.Equal((ExitCodes.Success, ""), (result.ExitCode, result.Error));
        Assert.Matches(@"\nF32 +47 +98048 ", result.Out);
        Assert.Matches(@"\ntotal +97 ", result.Out);
        Assert.Empty(_folder.GetFiles());
    }

    [Fact]
    public void Quantised_models_are_refused()
    {
        CliResult result = Cli.Run("quantize", TestData.DemoModel, PathOf("x.gguf"), "Q2_K");

        Assert.Equal(ExitCodes.Failure, result.ExitCode);
        Assert.Contains("quantising twice loses more than once", result.ErrorLine, StringComparison.Ordinal);
        Assert.Empty(_folder.GetFiles());
    }

    [Fact]
    public void A_terminal_shows_progress_in_one_line()
    {
        CliResult result = Cli.RunOnTerminal(useColor: false, "", "quantize", TestData.DemoModelOf("f16"), PathOf("x.gguf"), "Q4_K_M", "-t", "1");

        Assert.Matches(@"\r.* of 32\.3 MiB, \d+ MB/s, 0:00:\d\d left, ", result.Error);
        Assert.EndsWith("MB/s)\n", result.Error, StringComparison.Ordinal);
    }

    private string PathOf(string name) => Path.Combine(_folder.FullName, name);
}
