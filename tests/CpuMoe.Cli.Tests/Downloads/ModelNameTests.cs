using CpuMoe.Cli.Downloads;
using CpuMoe.Cli.Terminal;
using FsCheck;
using FsCheck.Fluent;

namespace CpuMoe.Cli.Tests.Downloads;

/// <summary>Names of models, what they mean among the files of a repository, and the arithmetic of ranges.</summary>
public class ModelNameTests
{
    [Theory]
    [InlineData("hf:unsloth/GLM-4.5-Air-GGUF", "main", null, null)]
    [InlineData("hf:o/r:Q4_K_M", "main", "Q4_K_M", null)]
    [InlineData("hf:o/r@v1.0:UD-Q2_K_XL", "v1.0", "UD-Q2_K_XL", null)]
    [InlineData("hf:o/r@refs/pr/3:Q8_0", "refs/pr/3", "Q8_0", null)]
    [InlineData("hf:o/r@feature%2Fx", "feature/x", null, null)]
    [InlineData("hf:o/r/m.gguf", "main", null, "m.gguf")]
    [InlineData("hf:o/r@refs/pr/3/Q8/m-00001-of-00002.gguf", "refs/pr/3", null, "Q8/m-00001-of-00002.gguf")]
    public void Names_are_read_and_written(string text, string revision, string? quant, string? path)
    {
        ModelReference reference = ModelReference.Parse(text);

        Assert.Equal((revision, quant, path), (reference.Revision, reference.Quant, reference.Path));
        Assert.Equal(reference, ModelReference.Parse(reference.ToString()));
    }

    [Theory]
    [InlineData("hf:")]
    [InlineData("hf:owner")]
    [InlineData("hf:../..")]
    [InlineData("hf:o/..")]
    [InlineData("hf:o/r@..")]
    [InlineData("hf:o/r@%2E%2E%2Fx")]
    [InlineData("hf:o/r@a%2F..%2F..")]
    [InlineData("hf:o/r/../x.gguf")]
    [InlineData("hf:o/r/x.txt")]
    [InlineData("hf:o/r:")]
    [InlineData("hf:o/r:Q4 K")]
    [InlineData("hf:o/r\n")]
    [InlineData("gpt4")]
    public void Other_texts_are_no_names(string text)
    {
        CliException fault = Assert.Throws<CliException>(() => ModelReference.Parse(text));

        Assert.Equal(ExitCodes.Usage, fault.ExitCode);
        Assert.Contains("hf:OWNER/REPO", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("m-Q4_K_M.gguf", "Q4_K_M")]
    [InlineData("m.q4_k_m.gguf", "Q4_K_M")]
    [InlineData("Q4_K_M/GLM-4.5-Air-Q4_K_M-00001-of-00002.gguf", "Q4_K_M")]
    [InlineData("UD-Q2_K_XL/GLM-4.5-UD-Q2_K_XL-00001-of-00003.gguf", "UD-Q2_K_XL")]
    [InlineData("BF16/model-00001-of-00002.gguf", "BF16")]
    [InlineData("gpt-oss-20b-mxfp4.gguf", "MXFP4")]
    [InlineData("m-IQ4_XS.gguf", "IQ4_XS")]
    [InlineData("m-f16.gguf", "F16")]
    [InlineData("Qwen3-30B-A3B.gguf", null)]
    [InlineData("MiniCPM-Q.gguf", null)]
    public void The_quantisation_is_read_from_the_name(string path, string? quant) => Assert.Equal(quant, Model(path).Quant);

    [Theory]
    [InlineData("hf:o/r", "m-Q4_K_M.gguf")]
    [InlineData("hf:o/r:q2_k", "m-Q2_K.gguf")]
    [InlineData("hf:o/r:Q2_K_XL", "m-UD-Q2_K_XL.gguf")]
    [InlineData("hf:o/r:ud-q4_k_m", "m-UD-Q4_K_M.gguf")]
    [InlineData("hf:o/r:imat", "m-imat-Q6_K.gguf")]
    [InlineData("hf:o/r:F16", null)]
    [InlineData("hf:o/r:Q2", null)]
    [InlineData("hf:o/r/mmproj-F16.gguf", "mmproj-F16.gguf")]
    [InlineData("hf:o/r/Q8_0/m-Q8_0-00002-of-00002.gguf", "Q8_0/m-Q8_0-00001-of-00002.gguf")]
    public void A_name_means_one_model(string name, string? expected)
    {
        string[] paths =
        [
            "m-Q4_K_M.gguf", "m-Q2_K.gguf", "m-UD-Q2_K_XL.gguf", "m-UD-Q4_K_M.gguf", "m-imat-Q6_K.gguf", "mmproj-F16.gguf", "mtp-m-Q4_K_M.gguf",
            "Q8_0/m-Q8_0-00002-of-00002.gguf", "Q8_0/m-Q8_0-00001-of-00002.gguf", "README.md",
        ];
        IReadOnlyList<RepositoryModel> models = RepositoryModel.Group(paths.Select(path => new RepositoryFile(path, 5, "")));

        Assert.Equal(9 - 1, models.Count);
        Assert.Equal(expected is null ? [] : [expected], RepositoryModel.Matching(ModelReference.Parse(name), models).Select(model => model.FirstPath));
    }

    [Fact]
    public void A_safe_path_stays_in_its_folder() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(
        Gen.Elements("a", ".", "/", "\\", "..", "gguf", ":", " ", "~", "\0", "\r", "é").ListOf().Select(string.Concat).ToArbitrary(),
        path =>
        {
            string folder = Path.Combine(Path.GetTempPath(), "root");
            return !RepositoryPath.IsSafe(path)
                || (Path.GetFullPath(RepositoryPath.Under(folder, path)) == RepositoryPath.Under(folder, path)
                    && RepositoryPath.Under(folder, path).StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal));
        }));

    [Fact]
    public void What_is_there_and_what_is_missing_make_the_file() => Check.One(Config.QuickThrowOnFailure, Prop.ForAll(
        Gen.Choose(0, 60).Two().Select(pair => new ByteRange(Math.Min(pair.Item1, pair.Item2), Math.Max(pair.Item1, pair.Item2))).ListOf().ToArbitrary(),
        Gen.Choose(1, 20).ToArbitrary(),
        (ranges, chunk) =>
        {
            IReadOnlyList<ByteRange> there = ByteRange.Join(ranges);
            ByteRange[] missing = [.. ByteRange.Missing(there, 60, chunk)];
            bool[] covered = new bool[60];
            foreach (ByteRange range in ranges)
            {
                Array.Fill(covered, true, (int)range.Start, (int)range.Length);
            }

            int[] gaps = [.. Enumerable.Range(0, 60).Where(i => !covered[i])];
            int[] asked = [.. missing.SelectMany(range => Enumerable.Range((int)range.Start, (int)range.Length))];
            return gaps.SequenceEqual(asked) && missing.All(range => range.Length > 0 && range.Length <= chunk)
                && there.Zip(there.Skip(1)).All(pair => pair.First.End < pair.Second.Start);
        }));

    [Fact]
    public void The_rate_is_that_of_the_last_while()
    {
        ManualClock clock = new();
        TransferRate rate = new(clock);

        Assert.Equal(0, rate.Update(1000));
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(100, rate.Update(2000));
        for (int i = 0; i < 10; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(10));
            rate.Update(2000 + (i * 50));
        }

        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(5, rate.Update(2500));
    }

    private static RepositoryModel Model(string path) => new([new RepositoryFile(path, 5, "")]);

    private sealed class ManualClock : TimeProvider
    {
        private long _ticks = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Advance(TimeSpan time) => _ticks += time.Ticks;
    }
}
