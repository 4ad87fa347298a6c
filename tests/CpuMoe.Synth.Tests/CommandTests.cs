using CpuMoe.Gguf;

namespace CpuMoe.Synth.Tests;

/// <summary>The command line: what it writes where, and its exit codes.</summary>
public sealed class CommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cpumoe-synth-");

    public static TheoryData<string, string[]> WrongArguments => new()
    {
        { "--shape", ["out.gguf"] },
        { "argument missing", ["--shape", "tiny"] },
        { "--shape must be glm-4.5, glm-4.5-air, tiny or qwen3-30b-a3b, not 'huge'", ["--shape", "huge", "out.gguf"] },
        { "--mix must be", ["--shape", "tiny", "--mix", "q3_k", "out.gguf"] },
        { "--layers must be 1 or more, not '0'", ["--shape", "tiny", "--layers", "0", "out.gguf"] },
        { "--layers must be at most 4 for tiny, not 5", ["--shape", "tiny", "--layers", "5", "out.gguf"] },
        { "--nextn: qwen3-30b-a3b has no NextN block", ["--shape", "qwen3-30b-a3b", "--nextn", "true", "out.gguf"] },
        { "--skew must be a number from 0 to 10, not '-1'", ["--shape", "tiny", "--skew", "-1", "out.gguf"] },
        { "--split must be a size such as 500M or 8G, not '8X'", ["--shape", "tiny", "--split", "8X", "out.gguf"] },
        { "--split must be a size such as 500M or 8G, not '99999999999999G'", ["--shape", "tiny", "--split", "99999999999999G", "out.gguf"] },
        { "--seed must be", ["--shape", "tiny", "--seed", "-1", "out.gguf"] },
    };

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(WrongArguments))]
    public void Wrong_arguments_are_told_in_one_line(string expected, string[] args)
    {
        (int code, string output, string error) = Run(args);

        Assert.Equal(2, code);
        Assert.Empty(output);
        Assert.StartsWith("cpumoe-synth: ", error, StringComparison.Ordinal);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd().Split('\n'));
    }

    [Fact]
    public void Help_shows_examples_that_are_valid()
    {
        (int code, string output, _) = Run("--help");
        string[] examples = [.. output.Split('\n').Select(line => line.Trim()).Where(line => line.StartsWith("cpumoe-synth --shape", StringComparison.Ordinal))];

        Assert.Equal(0, code);
        Assert.Contains("cpumoe-synth <OUT>", output, StringComparison.Ordinal);
        Assert.NotEmpty(examples);
        Assert.All(examples, example => Assert.Equal(0, Run([.. example.Split(' ').Skip(1), "--dry-run"]).Code));
    }

    [Fact]
    public void Dry_run_shows_types_and_writes_nothing()
    {
        string path = Path.Combine(_folder.FullName, "air.gguf");
        (int code, string output, _) = Run("--shape", "glm-4.5-air", "--mix", "q2_k", "--dry-run", path);

        Assert.Equal(0, code);
        Assert.Matches(@"Q4_0 +93 +19275300864 ", output);
        Assert.Matches(@"total +803 +44963470336 ", output);
        Assert.Empty(_folder.GetFiles());
    }

    [Fact]
    public void Writes_the_model_it_was_asked_for()
    {
        string path = Path.Combine(_folder.FullName, "tiny.gguf");
        (int code, string output, string error) = Run("--shape", "tiny", "--layers", "2", "--mix", "q6_k", "--skew", "1", "--seed", "5", path);

        Assert.Equal(0, code);
        Assert.Empty(output);
        Assert.Contains($"wrote {path}", error, StringComparison.Ordinal);
        Assert.Equal(["tiny.gguf"], _folder.GetFiles().Select(file => file.Name));
        using GgufFile file = GgufFile.Open(path);
        Assert.Equal(2, file.Metadata.GetInt32("glm4moe.block_count"));
        Assert.True(file.TryGetTensor("blk.1.exp_probs_b.bias", out GgufTensor? bias));
        Assert.True(bias.Bytes.IndexOfAnyExcept((byte)0) >= 0);
    }

    [Fact]
    public void What_cannot_be_written_is_a_failure()
    {
        (int noFolder, _, string noFolderError) = Run("--shape", "tiny", Path.Combine(_folder.FullName, "none", "tiny.gguf"));
        (int aFolder, _, string aFolderError) = Run("--shape", "tiny", _folder.FullName);

        Assert.Equal((1, 1), (noFolder, aFolder));
        Assert.Contains("no such folder", noFolderError, StringComparison.Ordinal);
        Assert.Contains("is a folder", aFolderError, StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_disk_is_told_before_writing()
    {
        DriveInfo drive = new(OperatingSystem.IsWindows() ? Path.GetPathRoot(_folder.FullName)! : _folder.FullName);
        Assert.SkipWhen(drive.AvailableFreeSpace > 700_000_000_000, "The disk has room for the largest model.");
        (int code, _, string error) = Run("--shape", "glm-4.5", "--mix", "f16", Path.Combine(_folder.FullName, "glm.gguf"));

        Assert.Equal(1, code);
        Assert.Contains("of free space, the model needs 667.6 GiB", error, StringComparison.Ordinal);
        Assert.Empty(_folder.GetFiles());
    }

    private static (int Code, string Output, string Error) Run(params string[] args)
    {
        using StringWriter output = new() { NewLine = "\n" }, error = new() { NewLine = "\n" };
        int code = Program.Run(args, output, error);
        return (code, output.ToString(), error.ToString());
    }
}
