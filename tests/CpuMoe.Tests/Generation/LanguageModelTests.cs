using CpuMoe.Generation;
using CpuMoe.Gguf;
using CpuMoe.Testing;

namespace CpuMoe.Tests.Generation;

public class LanguageModelTests
{
    private static readonly GenerationOptions Greedy = new() { Sampling = SamplerOptions.Greedy, MaxTokens = 12 };

    [Fact]
    public void GeneratesFromTheBundledModel()
    {
        using LanguageModel model = LanguageModel.Load(TestData.DemoModel, new() { Threads = 1 });
        Assert.True(model.LoadTime > TimeSpan.Zero);
        int[] prompt = model.Tokenizer.Encode("[gMASK]<sop><|user|>\nHi/nothink<|assistant|>\n<think></think>", parseSpecial: true);
        using Session session = model.CreateSession();
        List<GenerationUpdate> first = Run(session, prompt, Greedy);
        Assert.NotEqual(0, string.Concat(first.Select(update => update.Text)).Trim().Length);

        // With what is cached, and with nothing cached, the same.
        Assert.Equal(first, Run(session, prompt, Greedy));
        using Session other = model.CreateSession();
        Assert.Equal(first, Run(other, prompt, Greedy));
    }

    [Fact]
    public void ADisposedModelSaysSo()
    {
        LanguageModel model = LanguageModel.Load(TestData.DemoModel, new() { Threads = 1 });
        using Session session = model.CreateSession();
        using IEnumerator<GenerationUpdate> running = session.Generate(new int[3], Greedy with { IgnoreEndOfGeneration = true }, TestContext.Current.CancellationToken).GetEnumerator();
        Assert.True(running.MoveNext());
        model.Dispose();
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => running.MoveNext());
        Assert.Throws<ObjectDisposedException>(() => session.Generate(new int[3], Greedy, TestContext.Current.CancellationToken));
        Assert.Throws<ObjectDisposedException>(() => model.CreateSession());
    }

    [Fact]
    public void AFileThatShrankIsNoticedBeforeItIsRead()
    {
        using TemporaryCopy copy = new(bytes => bytes);
        using LanguageModel model = LanguageModel.Load(copy.Path, new() { Threads = 1 });
        using Session session = model.CreateSession();
        Run(session, new int[3], Greedy);
        using (FileStream file = new(copy.Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.SetLength(file.Length / 2);
        }

        Exception? fault = Record.Exception(() => session.Generate(new int[3], Greedy, TestContext.Current.CancellationToken));
        Assert.True(fault is GgufFormatException or IOException, $"{fault}");
    }

    [Fact]
    public void AFailedLoadClosesTheFile()
    {
        // An architecture of the same length that nobody runs: the tokenizer is fine, the model is not.
        using TemporaryCopy copy = new(bytes =>
        {
            int at = bytes.AsSpan().IndexOf("glm4moe"u8);
            "glm4mox"u8.CopyTo(bytes.AsSpan(at));
            return bytes;
        });
        Assert.Contains("glm4mox", Assert.Throws<CpuMoe.Models.ModelLoadException>(() => LanguageModel.Load(copy.Path)).Message, StringComparison.Ordinal);
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("Open mappings are listed on Linux only.");
        }

        Assert.DoesNotContain(copy.Path, File.ReadAllText("/proc/self/maps"), StringComparison.Ordinal);
        Assert.DoesNotContain(copy.Path, Directory.GetFiles("/proc/self/fd").Select(fd => File.ResolveLinkTarget(fd, false)?.FullName));
    }

    [Fact]
    public void AMissingFileIsAnIOException() =>
        Assert.ThrowsAny<IOException>(() => LanguageModel.Load(Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString())));

    private static List<GenerationUpdate> Run(Session session, int[] prompt, GenerationOptions options) =>
        [.. session.Generate(prompt, options, TestContext.Current.CancellationToken)];

    /// <summary>A changed copy of the bundled model, deleted at the end.</summary>
    private sealed class TemporaryCopy : IDisposable
    {
        public TemporaryCopy(Func<byte[], byte[]> change) => File.WriteAllBytes(Path, change(File.ReadAllBytes(TestData.DemoModel)));

        public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"{Guid.NewGuid()}.gguf");

        public void Dispose() => File.Delete(Path);
    }
}
