using System.Text;
using CpuMoe.Gguf;
using CpuMoe.Testing;

namespace CpuMoe.Tests.Gguf;

/// <summary>What the writer writes is what the reader reads, byte by byte.</summary>
public class GgufWriterTests
{
    private static readonly GgmlType[] Types = [GgmlType.F32, GgmlType.F16, GgmlType.Q8_0, GgmlType.Q4_K, GgmlType.IQ1_S, GgmlType.I8];

    public static TheoryData<string> Mixes => ["Q2_K", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "f16"];

    [Fact]
    public void WritesTheVector()
    {
        using MemoryStream stream = new();
        using GgufWriter writer = new(stream);
        writer.Add("general.architecture", "test");
        writer.Add("a.b", new uint[] { 1, 2, 3 });
        writer.Declare("t", GgmlType.F32, 2);
        writer.WriteTensor("t", [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]);
        writer.Complete();
        Assert.Equal(RawGguf.Vector, stream.ToArray());
    }

    [Theory]
    [MemberData(nameof(Mixes))]
    public void RewritesRealFilesByteByByte(string mix)
    {
        string path = TestData.DemoModelOf(mix);
        using GgufFile file = GgufFile.Open(path);
        Assert.Empty(file.Warnings);
        Assert.Equal("glm4moe", file.Metadata.GetString("general.architecture"));

        using MemoryStream copy = new((int)file.FileBytes);
        using GgufWriter writer = new(copy);
        foreach (GgufEntry entry in file.Metadata.Entries)
        {
            writer.Add(entry);
        }

        foreach (GgufTensor tensor in file.Tensors)
        {
            writer.Declare(tensor.Name, tensor.Type, tensor.Dimensions.AsSpan()[..tensor.Rank]);
        }

        foreach (GgufTensor tensor in file.Tensors)
        {
            writer.WriteTensor(tensor.Name, tensor.Bytes);
        }

        writer.Complete();
        Assert.True(File.ReadAllBytes(path).AsSpan().SequenceEqual(copy.GetBuffer().AsSpan(0, (int)copy.Length)));
    }

    [Fact]
    public void RandomContentSurvivesTheRoundTrip()
    {
        Random random = new(20260101);
        for (int run = 0; run < 300; run++)
        {
            AssertRoundTrip(random);
        }
    }

    [Fact]
    public void AllowsOffsetStreamsAndCallbacks()
    {
        using MemoryStream stream = new();
        stream.Write("prefix"u8);
        using (GgufWriter writer = new(stream, leaveOpen: true))
        {
            writer.Declare("t", GgmlType.I8, 3);
            writer.WriteTensor("t", output => output.Write("abc"u8));
            writer.Complete();
        }

        byte[] bytes = stream.ToArray()[6..];
        Assert.Equal("abc"u8, bytes.AsSpan((int)RawGguf.Read(bytes).Tensors[0].FileOffset, 3));
    }

    [Fact]
    public void RefusesWhatTheReaderWouldRefuse()
    {
        using GgufWriter writer = new(new MemoryStream());
        Assert.Throws<ArgumentException>(() => writer.Add("", 1));
        Assert.Throws<ArgumentException>(() => writer.Add(new string('k', 65536), 1));
        Assert.ThrowsAny<ArgumentException>(() => writer.Add("\uD800", 1));
        Assert.Throws<ArgumentException>(() => writer.Add("general.alignment", 64));
        Assert.Throws<ArgumentException>(() => writer.Add("general.alignment", 24u));
        Assert.Throws<ArgumentException>(() => writer.Declare("", GgmlType.F32, 1));
        Assert.Throws<ArgumentException>(() => writer.Declare(new string('n', 64), GgmlType.F32, 1));
        Assert.Throws<ArgumentException>(() => writer.Declare("t", (GgmlType)4, 1));
        Assert.Throws<ArgumentException>(() => writer.Declare("t", GgmlType.F32, 0));
        Assert.Throws<ArgumentException>(() => writer.Declare("t", GgmlType.F32, 1, 1, 1, 1, 1));
        Assert.Throws<ArgumentException>(() => writer.Declare("t", GgmlType.Q4_K, 255));
        Assert.Throws<ArgumentException>(() => writer.Declare("t", GgmlType.F32, 1L << 24, 1L << 24));
        writer.Add("k", 1);
        writer.Declare("t", GgmlType.F32, 1);
        Assert.Throws<ArgumentException>(() => writer.Add("k", 1));
        Assert.Throws<ArgumentException>(() => writer.Declare("t", GgmlType.F32, 1));
    }

    [Fact]
    public void RefusesDataOutOfOrderOrLength()
    {
        using GgufWriter writer = new(new MemoryStream());
        writer.Declare("a", GgmlType.I8, 2);
        writer.Declare("b", GgmlType.I8, 2);
        Assert.Throws<InvalidOperationException>(() => writer.WriteTensor("b", [1, 2]));
        Assert.Throws<ArgumentException>(() => writer.WriteTensor("a", [1]));
        writer.WriteTensor("a", [1, 2]);
        Assert.Throws<InvalidOperationException>(() => writer.Add("k", 1));
        Assert.Throws<InvalidOperationException>(() => writer.Declare("c", GgmlType.I8, 1));
        Assert.Throws<InvalidOperationException>(() => writer.WriteTensor("a", [1, 2]));
        Assert.Throws<InvalidOperationException>(writer.Complete);
        Assert.Throws<InvalidOperationException>(() => writer.WriteTensor("b", output => output.WriteByte(1)));
    }

    internal static GgufEntry[] EntriesOfAllTypes(Random random, int arrayLength)
    {
        object[] scalars =
        [
            (byte)random.Next(), (sbyte)random.Next(), (ushort)random.Next(), (short)random.Next(), (uint)random.Next(), random.Next(),
            random.NextSingle(), random.Next(2) == 1, RandomText(random), (ulong)random.NextInt64(), -random.NextInt64(), random.NextDouble(),
        ];
        Array[] arrays = Array.ConvertAll(scalars, scalar =>
        {
            Array array = Array.CreateInstance(scalar.GetType(), arrayLength);
            for (int i = 0; i < arrayLength; i++)
            {
                array.SetValue(i % 2 == 0 ? scalar : scalars.First(other => other.GetType() == scalar.GetType()), i);
            }

            return array;
        });
        object[] values = [.. scalars, .. arrays];
        random.Shuffle(values);
        return [.. values.Select((value, i) => new GgufEntry($"key.{i}.{RandomText(random)}", value))];
    }

    private static void AssertRoundTrip(Random random)
    {
        using MemoryStream stream = new();
        using GgufWriter writer = new(stream);
        GgufEntry[] entries = EntriesOfAllTypes(random, random.Next(20));
        Array.ForEach(entries, writer.Add);
        int alignment = 8 << random.Next(8);
        if (alignment != 32)
        {
            writer.Add("general.alignment", (uint)alignment);
        }

        List<(string Name, GgmlType Type, long[] Dimensions, byte[] Data)> tensors = [];
        for (int i = random.Next(6); i > 0; i--)
        {
            GgmlType type = Types[random.Next(Types.Length)];
            long[] dimensions = [.. Enumerable.Range(0, random.Next(1, 5)).Select(axis => (long)random.Next(1, 4) * (axis == 0 ? type.ValuesPerBlock() : 1))];
            byte[] data = new byte[dimensions.Aggregate(1L, (product, next) => product * next) / type.ValuesPerBlock() * type.BytesPerBlock()];
            random.NextBytes(data);
            tensors.Add(($"tensor.{i}", type, dimensions, data));
            writer.Declare($"tensor.{i}", type, dimensions);
        }

        tensors.ForEach(tensor => writer.WriteTensor(tensor.Name, tensor.Data));
        writer.Complete();
        AssertContent(stream.ToArray(), entries, alignment, tensors);
    }

    private static void AssertContent(byte[] bytes, GgufEntry[] entries, int alignment, List<(string Name, GgmlType Type, long[] Dimensions, byte[] Data)> tensors)
    {
        GgufHeader header = RawGguf.Read(bytes);
        Assert.Empty(header.Warnings);
        Assert.Equal(3, header.Version);
        Assert.Equal(0, bytes.Length % alignment);
        Assert.Equal(entries.Select(entry => (entry.Key, entry.TypeName)), header.Metadata.Entries.Take(entries.Length).Select(entry => (entry.Key, entry.TypeName)));
        Assert.Equal(entries.Select(entry => entry.Value), header.Metadata.Entries.Take(entries.Length).Select(entry => entry.Value));
        Assert.Equal(tensors.Count, header.Tensors.Length);
        foreach (((string name, GgmlType type, long[] dimensions, byte[] data), GgufTensor tensor) in tensors.Zip(header.Tensors))
        {
            Assert.Equal((name, type, dimensions.Length, data.LongLength), (tensor.Name, tensor.Type, tensor.Rank, tensor.ByteCount));
            Assert.Equal(dimensions, tensor.Dimensions.Take(dimensions.Length));
            Assert.Equal(0, tensor.FileOffset % alignment);
            Assert.Equal(data, bytes.AsSpan((int)tensor.FileOffset, data.Length));
        }
    }

    private static string RandomText(Random random)
    {
        StringBuilder text = new();
        for (int i = random.Next(12); i > 0; i--)
        {
            int scalar = random.Next(4) switch { 0 => random.Next(0x20), 1 => random.Next(0x80), 2 => random.Next(0xD800), _ => random.Next(0xE000, 0x110000) };
            text.Append(new Rune(scalar));
        }

        return text.ToString();
    }
}
