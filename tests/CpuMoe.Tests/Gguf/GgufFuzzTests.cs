using System.Diagnostics;
using System.Runtime.InteropServices;
using CpuMoe.Gguf;
using CpuMoe.Testing;

namespace CpuMoe.Tests.Gguf;

/// <summary>Seeded mutations of good files: whatever comes, a clean fault or a consistent file, in bounded time and memory.</summary>
public class GgufFuzzTests
{
    private const long MaxAllocatedBytes = 64 << 20;

    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(1);

    private static readonly ulong[] Extremes =
    [
        0, 1, 2, 3, 4, 8, 9, 13, 255, 65535, 65536, 1 << 20, 1 << 24, int.MaxValue, 1ul << 31, uint.MaxValue, 1ul << 32,
        1ul << 48, 1ul << 61, 1ul << 62, long.MaxValue, 1ul << 63, ulong.MaxValue - 31, ulong.MaxValue,
    ];

    [Theory]
    [InlineData("vector", 100_000, 1)]
    [InlineData("rich", 60_000, 2)]
    [InlineData("demo", 6_000, 3)]
    public void MutatedHeadersInMemory(string seed, int runs, int randomSeed)
    {
        (byte[] original, long dataBytes) = Original(seed);
        Random random = new(randomSeed);
        int accepted = 0;
        for (int run = 0; run < runs; run++)
        {
            byte[] mutated = Mutate(original, random);
            long length = mutated.Length + dataBytes;
            accepted += Run($"{seed}, run {run}", () => AssertConsistent(GgufHeader.Read(new MemoryStream(mutated), length, file: null).Tensors, length)) ? 1 : 0;
        }

        // Else the mutations are too mild or too harsh to test anything.
        Assert.InRange(accepted, runs / 50, runs - (runs / 50));
    }

    [Theory]
    [InlineData("vector", 2_000, 4)]
    [InlineData("rich", 2_000, 5)]
    public void MutatedFilesOnDisk(string seed, int runs, int randomSeed)
    {
        using TempFolder folder = new();
        (byte[] original, _) = Original(seed);
        Random random = new(randomSeed);
        for (int run = 0; run < runs; run++)
        {
            byte[] mutated = Mutate(original, random);
            string path = folder.Write("m.gguf", mutated);
            Run($"{seed}, run {run}", () =>
            {
                using GgufFile file = GgufFile.Open(path);
                AssertConsistent(file.Tensors, mutated.Length);
                foreach (GgufTensor tensor in file.Tensors)
                {
                    Assert.True(tensor.Bytes.SequenceEqual(mutated.AsSpan((int)tensor.FileOffset, (int)tensor.ByteCount)));
                }
            });
        }
    }

    private static bool Run(string what, Action open)
    {
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        bool accepted = true;
        try
        {
            open();
        }
        catch (GgufFormatException fault)
        {
            accepted = false;
            Assert.True(fault.Offset >= -1 && fault.Field.Length > 0, $"{what}: {fault}");
        }
        catch (Exception fault)
        {
            Assert.Fail($"{what}: {fault}");
        }

        Assert.True(Stopwatch.GetElapsedTime(start) < MaxTime, $"{what}: took {Stopwatch.GetElapsedTime(start)}");
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        Assert.True(allocated < MaxAllocatedBytes, $"{what}: allocated {allocated} bytes");
        return accepted;
    }

    /// <summary>Every tensor lies within the file, apart from the others, with the size its shape asks for.</summary>
    private static void AssertConsistent(IEnumerable<GgufTensor> tensors, long length)
    {
        long end = 24;
        foreach (GgufTensor tensor in tensors.OrderBy(tensor => tensor.FileOffset))
        {
            Assert.True(tensor.ByteCount > 0 && tensor.FileOffset >= end && tensor.ByteCount <= length - tensor.FileOffset);
            Assert.Equal(tensor.ByteCount, tensor.Type.RowBytes(tensor.ElementCount));
            end = tensor.FileOffset + tensor.ByteCount;
        }
    }

    /// <summary>The bytes to mutate, and the number of data bytes that follow them but are never read.</summary>
    private static (byte[] Bytes, long DataBytes) Original(string seed) => seed switch
    {
        "vector" => (RawGguf.Vector, 0),
        "rich" => (Rich(), 0),
        _ => DemoHeader(),
    };

    private static (byte[] Bytes, long DataBytes) DemoHeader()
    {
        using GgufFile file = GgufFile.Open(TestData.DemoModel);
        using FileStream stream = File.OpenRead(TestData.DemoModel);
        byte[] header = new byte[file.Tensors[0].FileOffset];
        stream.ReadExactly(header);
        return (header, file.FileBytes - header.Length);
    }

    private static byte[] Rich()
    {
        using MemoryStream stream = new();
        using GgufWriter writer = new(stream);
        writer.Add("general.architecture", "test");
        writer.Add("general.alignment", 64u);
        Array.ForEach(GgufWriterTests.EntriesOfAllTypes(new Random(7), arrayLength: 3), writer.Add);
        (string Name, GgmlType Type, long[] Dimensions)[] tensors =
        [
            ("scalar", GgmlType.F32, []), ("norm", GgmlType.F32, [8]), ("half", GgmlType.F16, [4, 3]),
            ("blocks", GgmlType.Q4_K, [256, 2]), ("experts", GgmlType.Q8_0, [32, 2, 3]), ("four", GgmlType.I8, [2, 2, 2, 2]),
        ];
        foreach ((string name, GgmlType type, long[] dimensions) in tensors)
        {
            writer.Declare(name, type, dimensions);
        }

        foreach ((string name, GgmlType type, long[] dimensions) in tensors)
        {
            writer.WriteTensor(name, new byte[type.RowBytes(dimensions.Aggregate(1L, (product, next) => product * next))]);
        }

        writer.Complete();
        return stream.ToArray();
    }

    private static byte[] Mutate(byte[] original, Random random)
    {
        byte[] bytes = [.. original];
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            bytes = MutateOnce(bytes, random);
        }

        return bytes;
    }

    private static byte[] MutateOnce(byte[] bytes, Random random)
    {
        if (bytes.Length < 32)
        {
            return bytes;
        }

        // Half of the places in the first bytes: counts, version and the first records.
        int limit = random.Next(2) == 0 ? Math.Min(bytes.Length, 512) : bytes.Length;
        int at = random.Next(limit);
        int count = random.Next(1, Math.Min(64, bytes.Length - at + 1));
        ulong extreme = Extremes[random.Next(Extremes.Length)];
        switch (random.Next(8))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 1:
                bytes[at] = (byte)random.Next(256);
                return bytes;
            case 2:
                MemoryMarshal.AsBytes(new Span<ulong>(ref extreme))[..Math.Min(8, bytes.Length - at)].CopyTo(bytes.AsSpan(at));
                return bytes;
            case 3:
                MemoryMarshal.AsBytes(new Span<ulong>(ref extreme))[..Math.Min(4, bytes.Length - at)].CopyTo(bytes.AsSpan(at));
                return bytes;
            case 4:
                return bytes[..at];
            case 5: // Swap two blocks.
                {
                    int other = random.Next(bytes.Length - count + 1);
                    byte[] block = bytes[at..(at + count)];
                    bytes.AsSpan(other, count).CopyTo(bytes.AsSpan(at));
                    block.CopyTo(bytes, other);
                    return bytes;
                }

            case 6: // Repeat a block.
                return [.. bytes[..(at + count)], .. bytes[at..]];
            default: // Insert noise.
                {
                    byte[] noise = new byte[count];
                    random.NextBytes(noise);
                    return [.. bytes[..at], .. noise, .. bytes[at..]];
                }
        }
    }
}
