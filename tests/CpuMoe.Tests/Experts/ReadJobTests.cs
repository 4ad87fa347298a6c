using CpuMoe.Compute;
using CpuMoe.Experts;

namespace CpuMoe.Tests.Experts;

public sealed unsafe class ReadJobTests
{
    private static readonly byte[] Bytes = RandomBytes((3 << 20) + 12345);

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 4095)]
    [InlineData(4095, 2)]
    [InlineData(777, 1 << 20)]
    [InlineData(5000, (2 << 20) + 3)]
    [InlineData((3 << 20) + 12344, 1)]
    [InlineData(0, (3 << 20) + 12345)]
    public void ARangeComesWholeWhereverItLies(int offset, int length)
    {
        using var reader = new FaultyReader(Bytes);
        (byte[] got, ReadJob job) = Read(reader, (offset, length));
        Assert.Null(job.Fault);
        Assert.Equal(Bytes.AsSpan(offset, length).ToArray(), got);
        Assert.Equal(job.Pieces, reader.Reads);
    }

    [Fact]
    public void ThreeRangesComeTogetherAndAnObjectServesAgain()
    {
        using var reader = new FaultyReader(Bytes);
        for (int turn = 0; turn < 3; turn++)
        {
            (byte[] got, ReadJob job) = Read(reader, (100 + turn, 1_500_000), (9, 10), (2_000_000, 70_000));
            Assert.Null(job.Fault);
            Assert.Equal([.. Bytes.AsSpan(100 + turn, 1_500_000), .. Bytes.AsSpan(9, 10), .. Bytes.AsSpan(2_000_000, 70_000)], got);
        }
    }

    [Fact]
    public void ShortReadsAreContinued()
    {
        var random = new Random(1);
        using var reader = new FaultyReader(Bytes) { BeforeRead = _ => random.Next(4096, 100_000) };
        (byte[] got, ReadJob job) = Read(reader, (12_345, 2_000_000));
        Assert.Null(job.Fault);
        Assert.Equal(Bytes.AsSpan(12_345, 2_000_000).ToArray(), got);
    }

    [Fact]
    public void ARefusalIsTriedAgain()
    {
        using var reader = new FaultyReader(Bytes) { BeforeRead = read => read.Number < 2 ? throw new IOException("Input/output error") : int.MaxValue };
        (byte[] got, ReadJob job) = Read(reader, (3, 100_000));
        Assert.Null(job.Fault);
        Assert.Equal(Bytes.AsSpan(3, 100_000).ToArray(), got);
    }

    [Fact]
    public void ALastingRefusalNamesWhatWhereAndWhy()
    {
        using var reader = new FaultyReader(Bytes) { BeforeRead = _ => throw new IOException("Input/output error") };
        (_, ReadJob job) = Read(reader, (8192 + 5, 100));
        Assert.Equal(3, reader.Reads);
        Assert.Equal("Reading the range at byte 8192 of part 0 failed: Input/output error Try again; if it persists, check the disk.", job.Fault!.Message);
    }

    [Fact]
    public void AFileThatEndsEarlyIsSaidToBeShorter()
    {
        using var reader = new FaultyReader(Bytes[..1_000_000]);
        (_, ReadJob job) = Read(reader, (900_000, 200_000));
        Assert.Contains("at byte 1000000 of part 0 failed: the file is shorter", job.Fault!.Message, StringComparison.Ordinal);
    }

    /// <summary>Reads ranges piece by piece, the last first, to memory with guards around each.</summary>
    private static (byte[] Bytes, ReadJob Job) Read(FaultyReader reader, params (int Offset, int Length)[] ranges)
    {
        const byte Guard = 0xA5;
        int completions = 0;
        var job = new ReadJob(_ => completions++);
        NativeBuffer<byte>[] memory = [.. ranges.Select(range => new NativeBuffer<byte>(ReadJob.MemoryFor(range.Length) + ReadJob.Alignment, ReadJob.Alignment))];
        for (int i = 0; i < ranges.Length; i++)
        {
            new Span<byte>(memory[i].Pointer, (int)memory[i].Length).Fill(Guard);
            job.Add(0, ranges[i].Offset, ranges[i].Length, ReadJob.Place(memory[i].Pointer, ranges[i].Offset), "the range");
        }

        var pieces = new Stack<int>();
        while (job.TryClaim(out int piece))
        {
            pieces.Push(piece);
        }

        Assert.Equal(job.Pieces, pieces.Count);
        foreach (int piece in pieces)
        {
            Assert.Equal(0, completions);
            job.Read(piece, reader);
            job.Finish();
        }

        Assert.Equal(1, completions);
        byte[] got = [.. ranges.SelectMany((range, i) => new Span<byte>(ReadJob.Place(memory[i].Pointer, range.Offset), range.Length).ToArray())];
        Assert.All(memory, m => Assert.Equal(-1, new Span<byte>(m.Pointer + m.Length - ReadJob.Alignment, ReadJob.Alignment).IndexOfAnyExcept(Guard)));
        Array.ForEach(memory, m => m.Dispose());
        return (got, job);
    }

    private static byte[] RandomBytes(int count)
    {
        byte[] bytes = new byte[count];
        new Random(7).NextBytes(bytes);
        return bytes;
    }
}
