using System.Diagnostics;
using System.Globalization;
using CpuMoe.Gguf;

namespace CpuMoe.Tests.Gguf;

/// <summary>Opening, watching and closing files on disk.</summary>
public sealed class GgufFileTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void MissingFile()
    {
        string path = _folder.PathOf("none.gguf");
        FileNotFoundException fault = Assert.Throws<FileNotFoundException>(() => GgufFile.Open(path));
        Assert.Equal(path, fault.FileName);
        Assert.Contains(path, fault.Message, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => GgufFile.Open(_folder.PathOf("none/none.gguf")));
        Assert.Throws<ArgumentException>(() => GgufFile.Open(""));
    }

    [Fact]
    public void FolderIsRefused() // 51
    {
        GgufFormatException fault = Assert.Throws<GgufFormatException>(() => GgufFile.Open(_folder.Path));
        Assert.Equal(("file", _folder.Path), (fault.Field, fault.File));
    }

    [Fact]
    public void DeviceIsRefused() // 51
    {
        Assert.SkipUnless(File.Exists("/dev/zero"), "No device files here.");
        GgufFormatException fault = Assert.Throws<GgufFormatException>(() => GgufFile.Open("/dev/zero"));
        Assert.Contains("regular file", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PipeIsRefusedWithoutWaiting() // 51
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Pipes are no files on Windows.");
        string path = _folder.PathOf("pipe.gguf");
        using (Process process = Process.Start("mkfifo", path))
        {
            process.WaitForExit();
        }

        Assert.Throws<GgufFormatException>(() => GgufFile.Open(path));
    }

    [Fact]
    public void LinkCountsAsWhatItLeadsTo() // 51
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege on Windows.");
        string target = _folder.Write("blob", RawGguf.Vector);
        File.CreateSymbolicLink(_folder.PathOf("inner"), target);
        File.CreateSymbolicLink(_folder.PathOf("link.gguf"), "inner");
        File.CreateSymbolicLink(_folder.PathOf("folder.gguf"), _folder.Path);
        File.CreateSymbolicLink(_folder.PathOf("broken.gguf"), _folder.PathOf("none"));

        using GgufFile file = GgufFile.Open(_folder.PathOf("link.gguf"));
        Assert.Equal(192, file.FileBytes);
        Assert.Throws<GgufFormatException>(() => GgufFile.Open(_folder.PathOf("folder.gguf")));
        Assert.Throws<FileNotFoundException>(() => GgufFile.Open(_folder.PathOf("broken.gguf")));
    }

    [Fact]
    public void ChangesAreNoticed() // 50
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows refuses to change a mapped file.");
        string path = _folder.Write("v.gguf", [.. RawGguf.Vector, 0]);
        using (GgufFile file = GgufFile.Open(path))
        {
            file.EnsureUnchanged();
            Change(path, stream => stream.SetLength(192));
            GgufFormatException fault = Assert.Throws<GgufFormatException>(file.EnsureUnchanged);
            Assert.Equal(path, fault.File);
            Assert.Contains("193", fault.Message, StringComparison.Ordinal);
        }

        using (GgufFile file = GgufFile.Open(path))
        {
            Change(path, stream => stream.WriteByte((byte)'G'));
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddHours(1));
            Assert.Contains("written", Assert.Throws<GgufFormatException>(file.EnsureUnchanged).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ReplacementUnderTheSameNameIsHarmless()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows refuses to replace a mapped file.");
        string path = _folder.Write("v.gguf", RawGguf.Vector);
        using GgufFile file = GgufFile.Open(path);
        File.Move(_folder.Write("new", new byte[10]), path, overwrite: true);
        file.EnsureUnchanged();
        Assert.Equal(RawGguf.Vector[160..168], file.Tensors[0].Bytes.ToArray());
    }

    [Fact]
    public void CheckingForChangesDoesNotAllocate()
    {
        using GgufFile file = GgufFile.Open(_folder.Write("v.gguf", RawGguf.Vector));
        file.EnsureUnchanged();
        long before = GC.GetAllocatedBytesForCurrentThread();
        file.EnsureUnchanged();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void ClosedFileShowsNoBytes()
    {
        string path = _folder.Write("v.gguf", RawGguf.Vector);
        GgufFile file = GgufFile.Open(path);
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Tensors[0].Bytes.Length);
        Assert.Throws<ObjectDisposedException>(file.EnsureUnchanged);
        File.WriteAllBytes(path, RawGguf.Vector);
    }

    [Theory]
    [InlineData("model", 200)]
    [InlineData("adapter", 64)]
    public void RefusedFileIsClosed(string type, int arrayBytes)
    {
        // Refused while the header is read (the array is cut), and after the file is mapped (not a model).
        byte[] bytes = new RawGguf(0, 2).Key("general.type", 8).Text(type).Array("k", 0, (ulong)arrayBytes).Zeros(64).Bytes;
        string path = _folder.Write("v.gguf", bytes);
        Assert.Throws<GgufFormatException>(() => GgufFile.Open(path));
        using FileStream exclusive = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Assert.Equal(bytes.Length, exclusive.Length);
    }

    [Theory]
    [InlineData("adapter")]
    [InlineData("imatrix")]
    [InlineData("mmproj")]
    public void OtherThanModelsAreRefused(string type)
    {
        byte[] bytes = new RawGguf(0, 1).Key("general.type", 8).Text(type).Bytes;
        GgufFormatException fault = Assert.Throws<GgufFormatException>(() => GgufFile.Open(_folder.Write("v.gguf", bytes)));
        Assert.Equal(("general.type", 24L), (fault.Field, fault.Offset));
        Assert.Contains(type, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ModelsAreAccepted()
    {
        using GgufFile file = GgufFile.Open(_folder.Write("v.gguf", new RawGguf(0, 1).Key("general.type", 8).Text("model").Bytes));
        Assert.Equal("model", file.Metadata.GetString("general.type"));
    }

    [Theory]
    [InlineData(1, GgmlType.Q8_0, false)]
    [InlineData(3, GgmlType.Q4_K, false)]
    [InlineData(2, GgmlType.Q4_K, true)]
    [InlineData(1, GgmlType.F16, true)]
    public void OtherQuantizationVersionsAreRefusedForQuantisedTensors(int version, GgmlType type, bool accepted)
    {
        byte[] bytes = new RawGguf(1, 1).Key("general.quantization_version", 4).Put(version).Tensor("t", [256], (uint)type).Pad().Zeros(512).Bytes;
        string path = _folder.Write("v.gguf", bytes);
        if (accepted)
        {
            GgufFile.Open(path).Dispose();
        }
        else
        {
            Assert.Equal("general.quantization_version", Assert.Throws<GgufFormatException>(() => GgufFile.Open(path)).Field);
        }
    }

    [Fact]
    public void LargeVocabularyLoadsFast()
    {
        string path = _folder.PathOf("v.gguf");
        string[] tokens = [.. Enumerable.Range(0, 151_552).Select(i => i.ToString("x8", CultureInfo.InvariantCulture))];
        string[] merges = [.. Enumerable.Range(0, 318_088).Select(i => $"ab {i}")];
        using (GgufWriter writer = GgufWriter.Create(path))
        {
            writer.Add("tokens", tokens);
            writer.Add("merges", merges);
            writer.Add("types", new int[tokens.Length]);
            writer.Complete();
        }

        Stopwatch watch = Stopwatch.StartNew();
        using GgufFile file = GgufFile.Open(path);
        TestContext.Current.SendDiagnosticMessage($"Opened in {watch.Elapsed.TotalMilliseconds:F1} ms.");
        Assert.InRange(watch.ElapsedMilliseconds, 0, 2000);
        Assert.Equal(tokens, file.Metadata.GetStrings("tokens")!);
        Assert.Equal(merges, file.Metadata.GetStrings("merges")!);
        Assert.Same(file.Metadata.GetStrings("merges"), file.Metadata.GetStrings("merges"));
    }

    private static void Change(string path, Action<FileStream> change)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        change(stream);
    }
}
