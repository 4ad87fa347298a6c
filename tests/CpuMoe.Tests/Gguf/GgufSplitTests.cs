using CpuMoe.Gguf;

namespace CpuMoe.Tests.Gguf;

/// <summary>Split files: opened by the first part, every contradiction between the parts refused.</summary>
public sealed class GgufSplitTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, long.MaxValue, false, 7)]
    [InlineData(3, long.MaxValue, false, 3)]
    [InlineData(3, long.MaxValue, true, 4)]
    [InlineData(100, 144L, false, 5)]
    [InlineData(100, 143L, false, 6)]
    [InlineData(100, 1L, true, 8)]
    [InlineData(100, long.MaxValue, false, 1)]
    public void PartsMakeOneModel(int maxTensors, long maxBytes, bool metadataOnlyFirst, int parts)
    {
        string[] paths = Write("model", maxTensors, maxBytes, metadataOnlyFirst);
        Assert.Equal(parts, paths.Length);
        Assert.Equal(_folder.PathOf($"model-00001-of-{parts:D5}.gguf"), paths[0]);
        Assert.All(paths, path => Assert.True(File.Exists(path)));

        using GgufFile file = GgufFile.Open(paths[0]);
        Assert.Empty(file.Warnings);
        Assert.Equal(paths, file.PartPaths);
        Assert.Equal(paths.Sum(path => new FileInfo(path).Length), file.FileBytes);
        Assert.Equal("test", file.Metadata.GetString("general.architecture"));
        Assert.Equal(Enumerable.Range(0, 7).Select(i => $"t{i}"), file.Tensors.Select(tensor => tensor.Name));
        for (int i = 0; i < 7; i++)
        {
            Assert.Equal(DataOf(i), file.Tensors[i].Bytes);
            Assert.Equal(DataOf(i), File.ReadAllBytes(paths[file.Tensors[i].Shard]).AsSpan((int)file.Tensors[i].FileOffset, DataOf(i).Length));
        }

        Assert.Equal(metadataOnlyFirst ? 1 : 0, file.Tensors[0].Shard);
        file.EnsureUnchanged();
    }

    [Fact]
    public void AlignmentIsThatOfEachPart()
    {
        GgufSplitWriter writer = new(_folder.PathOf("m"), maxTensors: 2);
        writer.Add("general.alignment", 256u);
        for (int i = 0; i < 4; i++)
        {
            writer.Declare($"t{i}", GgmlType.I8, 1);
        }

        for (int i = 0; i < 4; i++)
        {
            writer.WriteTensor($"t{i}", output => output.WriteByte((byte)i));
        }

        writer.Complete();
        writer.Dispose();
        using GgufFile file = GgufFile.Open(writer.Paths[0]);
        Assert.Equal([256, 32], [file.Tensors[1].FileOffset - file.Tensors[0].FileOffset, file.Tensors[3].FileOffset - file.Tensors[2].FileOffset]);
        Assert.Equal([0, 1, 2, 3], file.Tensors.Select(tensor => (int)tensor.Bytes[0]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void CountOfZeroOrOneIsASingleFile(int count)
    {
        byte[] bytes = new RawGguf(0, 2).Key("split.count", 5).Put(count).Key("split.no", 5).Put(0).Bytes;
        using GgufFile file = GgufFile.Open(_folder.Write("any name.gguf", bytes));
        Assert.Empty(file.Tensors);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1001)]
    public void AbsurdCountIsRefused(int count)
    {
        string path = _folder.Write("m.gguf", new RawGguf(0, 1).Key("split.count", 5).Put(count).Bytes);
        AssertFault(path, path, "split.count", "outside 0 to 1000");
    }

    [Fact]
    public void LaterPartAsEntryIsRefused() // 43
    {
        string[] paths = Write("m", maxTensors: 3);
        AssertFault(paths[1], paths[1], "split.no", "this is part 2 of 3; open the first part, the one whose name ends in -00001-of-00003.gguf");
    }

    [Fact]
    public void OtherNameIsRefused() // 44
    {
        string[] paths = Write("m", maxTensors: 3);
        string other = _folder.PathOf("renamed.gguf");
        File.Move(paths[0], other);
        AssertFault(other, other, "split.count", "-00001-of-00003.gguf");
    }

    [Fact]
    public void MissingPartIsRefused() // 45
    {
        string[] paths = Write("m", maxTensors: 3);
        File.Delete(paths[2]);
        GgufFormatException fault = AssertFault(paths[0], paths[2], "file", "part 3 of 3 cannot be opened");
        Assert.IsType<FileNotFoundException>(fault.InnerException);
    }

    [Fact]
    public void FolderInPlaceOfAPartIsRefused() // 45, 51
    {
        string[] paths = Write("m", maxTensors: 3);
        File.Delete(paths[2]);
        Directory.CreateDirectory(paths[2]);
        AssertFault(paths[0], paths[2], "file", "folder");
    }

    [Fact]
    public void MalformedPartIsRefused()
    {
        string[] paths = Write("m", maxTensors: 3);
        File.WriteAllBytes(paths[1], File.ReadAllBytes(paths[1])[..^40]);
        AssertFault(paths[0], paths[1], "t5", "truncated");
    }

    [Fact]
    public void SwappedPartsAreRefused() // 46
    {
        string[] paths = Write("m", maxTensors: 3);
        File.Copy(paths[2], paths[1], overwrite: true);
        AssertFault(paths[0], paths[1], "split.no", "index 2");
    }

    [Fact]
    public void PartOfAnotherSetIsRefused() // 46
    {
        string[] paths = Write("m", maxTensors: 3);
        string[] others = Write("o", maxTensors: 2);
        File.Copy(others[1], paths[1], overwrite: true);
        AssertFault(paths[0], paths[1], "split.count", "a set of 4");
    }

    [Fact]
    public void PartWithoutSplitKeysIsRefused() // 46
    {
        string[] paths = Write("m", maxTensors: 3);
        File.WriteAllBytes(paths[1], RawGguf.Vector);
        AssertFault(paths[0], paths[1], "split.no", "missing");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(-1)]
    public void OtherNumberOfTensorsIsRefused(int promised) // 47
    {
        string path = WritePair(promised: promised);
        AssertFault(path, path, "split.tensors.count", $"{promised} tensors are promised, 2 were found");
    }

    [Fact]
    public void OtherVersionIsRefused() // 48
    {
        string path = WritePair(secondVersion: 2);
        AssertFault(path, _folder.PathOf("p-00002-of-00002.gguf"), "version", "version 2 differs");
    }

    [Fact]
    public void OtherArchitectureIsRefused() // 48
    {
        string path = WritePair(secondArchitecture: "other");
        AssertFault(path, _folder.PathOf("p-00002-of-00002.gguf"), "general.architecture", "architecture other differs");
    }

    [Fact]
    public void SameArchitectureAgainIsFine()
    {
        using GgufFile file = GgufFile.Open(WritePair(secondArchitecture: "test"));
        Assert.Equal(["a", "b"], file.Tensors.Select(tensor => tensor.Name));
    }

    [Fact]
    public void TensorInTwoPartsIsRefused() // 21
    {
        string path = WritePair(secondTensor: "a");
        GgufFormatException fault = AssertFault(path, _folder.PathOf("p-00002-of-00002.gguf"), "a", "also in " + path);
        Assert.True(fault.Offset > 24);
    }

    [Fact]
    public void WriterRefusesWhatIsMissingOrInTheWrongOrder()
    {
        using GgufSplitWriter writer = new(_folder.PathOf("m"), maxTensors: 1);
        writer.Declare("a", GgmlType.I8, 1);
        writer.Declare("b", GgmlType.I8, 1);
        Assert.Throws<ArgumentException>(() => writer.Declare("a", GgmlType.I8, 1));
        Assert.Throws<InvalidOperationException>(() => writer.WriteTensor("b", [1]));
        writer.WriteTensor("a", [1]);
        Assert.Throws<InvalidOperationException>(() => writer.Add("k", 1));
        Assert.Throws<InvalidOperationException>(writer.Complete);
        Assert.Throws<InvalidOperationException>(() => writer.WriteTensor("a", [1]));
        writer.WriteTensor("b", [1]);
        writer.Complete();
    }

    private static byte[] DataOf(int tensor)
    {
        byte[] data = new byte[32 + (16 * tensor)];
        new Random(tensor).NextBytes(data);
        return data;
    }

    private static GgufFormatException AssertFault(string opened, string file, string field, string problem)
    {
        GgufFormatException fault = Assert.Throws<GgufFormatException>(() => GgufFile.Open(opened));
        Assert.Equal((file, field), (fault.File, fault.Field));
        Assert.Contains(problem, fault.Message, StringComparison.Ordinal);
        return fault;
    }

    private string[] Write(string name, int maxTensors, long maxBytes = long.MaxValue, bool metadataOnlyFirst = false)
    {
        using GgufSplitWriter writer = new(_folder.PathOf(name), maxTensors, maxBytes, metadataOnlyFirst);
        writer.Add("general.architecture", "test");
        for (int i = 0; i < 7; i++)
        {
            writer.Declare($"t{i}", GgmlType.I8, DataOf(i).Length);
        }

        for (int i = 0; i < 7; i++)
        {
            writer.WriteTensor($"t{i}", DataOf(i));
        }

        writer.Complete();
        return [.. writer.Paths];
    }

    private string WritePair(int promised = 2, uint secondVersion = 3, string? secondArchitecture = null, string secondTensor = "b")
    {
        static RawGguf Split(RawGguf file, ushort index, int promised) =>
            file.Key("split.no", 2).Put(index).Key("split.count", 2).Put((ushort)2).Key("split.tensors.count", 5).Put(promised);

        RawGguf first = Split(new RawGguf(1, 4).Key("general.architecture", 8).Text("test"), 0, promised);
        RawGguf second = Split(new RawGguf(1, secondArchitecture is null ? 3ul : 4, secondVersion), 1, promised);
        if (secondArchitecture is not null)
        {
            second.Key("general.architecture", 8).Text(secondArchitecture);
        }

        _folder.Write("p-00002-of-00002.gguf", second.Tensor(secondTensor, [1]).Pad().Zeros(32).Bytes);
        return _folder.Write("p-00001-of-00002.gguf", first.Tensor("a", [1]).Pad().Zeros(32).Bytes);
    }
}
