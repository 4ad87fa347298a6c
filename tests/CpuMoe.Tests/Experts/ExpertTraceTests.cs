using System.Buffers.Binary;
using CpuMoe.Experts;
using CpuMoe.Testing;
using CpuMoe.Tests.Gguf;

namespace CpuMoe.Tests.Experts;

/// <summary>Trace files: what is written is read, what is damaged is a clear fault.</summary>
public class ExpertTraceTests
{
    // Magic, version, experts, experts per token, layers, then block and bytes of one layer.
    private const int VersionAt = 8, ExpertsAt = 12, UsedAt = 16, LayersAt = 20, BlockAt = 24, ExpertBytesAt = 28, RequestsAt = 36;

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 128, 8)]
    [InlineData(5, 300, 300)]
    [InlineData(2, 65536, 2)]
    public void WhatIsWrittenIsRead(int layers, int experts, int used)
    {
        Random random = new(experts);
        ExpertTraceLayer[] described = [.. Enumerable.Range(0, layers).Select(i => new ExpertTraceLayer(2 * i, random.NextInt64(1, 1L << 32)))];
        List<(ExpertPassKind Kind, int Tokens, int Layer, int[] Experts)> added = [];
        using MemoryStream stream = new();
        using (ExpertTraceWriter writer = new(stream, experts, used, described))
        {
            for (int pass = 0; pass < 100; pass++)
            {
                (ExpertPassKind kind, int tokens) = ((ExpertPassKind)random.Next(2), random.Next(1, ExpertTraceFormat.MaxTokens + 1));

                // Some passes are cancelled before the last layer; one that never came to a layer leaves nothing.
                for (int layer = 0; layer < (pass % 7 == 3 ? random.Next(layers) : layers); layer++)
                {
                    int[] chosen = [.. Enumerable.Range(0, random.Next(1, 9)).Select(_ => random.Next(experts)).Distinct().Order()];
                    writer.Add(layer, chosen, tokens, kind);
                    added.Add((kind, tokens, layer, chosen));
                }
            }
        }

        ExpertTrace trace = ExpertTrace.Parse(stream.ToArray());
        List<(ExpertPassKind Kind, int Tokens, int Layer, int[] Experts)> read = [];
        foreach (ExpertPass pass in trace.Passes)
        {
            foreach (ExpertRequest request in trace.RequestsOf(pass))
            {
                read.Add((pass.Kind, pass.Tokens, request.Layer, [.. trace.ExpertsOf(request).ToArray().Select(expert => (int)expert)]));
            }
        }

        Assert.Equal((experts, used), (trace.ExpertCount, trace.ExpertsUsed));
        Assert.Equal(described, trace.Layers);
        Assert.Equal(added.Count, read.Count);
        Assert.All(added.Zip(read), pair =>
        {
            Assert.Equal((pair.First.Kind, pair.First.Tokens, pair.First.Layer), (pair.Second.Kind, pair.Second.Tokens, pair.Second.Layer));
            Assert.Equal(pair.First.Experts, pair.Second.Experts);
        });
    }

    [Fact]
    public void APassBeginsWhereTheLayersDoOrTheTokensChange()
    {
        using MemoryStream stream = new();
        using (ExpertTraceWriter writer = new(stream, 8, 2, [new(0, 1), new(1, 1), new(2, 1)]))
        {
            writer.Add(0, [1, 2], 1, ExpertPassKind.Decode);
            writer.Add(2, [1, 2], 1, ExpertPassKind.Decode);
            writer.Add(0, [1, 2], 1, ExpertPassKind.Decode);
            writer.Add(1, [], 1, ExpertPassKind.Decode);
            writer.Add(1, [1, 2], 1, ExpertPassKind.Prefill);
            writer.Add(2, [1, 2], 2, ExpertPassKind.Prefill);
        }

        ExpertPass[] passes = ExpertTrace.Parse(stream.ToArray()).Passes.ToArray();

        Assert.Equal([2, 1, 1, 1], passes.Select(pass => pass.RequestCount));
        Assert.Equal([1, 1, 1, 2], passes.Select(pass => pass.Tokens));
    }

    [Fact]
    public void ADecodedTokenTakesElevenBytesPerLayer()
    {
        byte[] one = ExpertTraces.OfPasses(128, 8, [0, 17, 34, 51, 68, 85, 102, 127]);

        Assert.Equal(RequestsAt + 11, one.Length);
    }

    [Fact]
    public void OnlyWholeRequestsReachTheFileBeforeTheEnd()
    {
        using TempFolder folder = new();
        string path = folder.PathOf("t.trace");
        using (ExpertTraceWriter writer = ExpertTraceWriter.Create(path, 128, 8, [new(0, 1)]))
        {
            for (int i = 0; i < 10_000; i++)
            {
                writer.Add(0, [1, 2, 3, 4, 5, 6, 7, 100], 1, ExpertPassKind.Decode);
            }

            Assert.InRange(ReadShared(path).Passes.Length, 5_000, 9_999);
        }

        Assert.Equal(10_000, ExpertTrace.Read(path).Passes.Length);
    }

    [Fact]
    public void RecordingAllocatesNothing()
    {
        using ExpertTraceWriter writer = new(Stream.Null, 128, 8, [new(0, 1), new(1, 1)]);
        int[] experts = [1, 2, 3, 4, 5, 6, 7, 100];
        Record(100);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Record(20_000);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Record(int passes)
        {
            for (int i = 0; i < passes; i++)
            {
                writer.Add(i % 2, experts, 1, ExpertPassKind.Decode);
            }
        }
    }

    [Fact]
    public void TheWriterRefusesWhatNoTraceHolds()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new ExpertTraceWriter(Stream.Null, 0, 1, [new(0, 1)]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ExpertTraceWriter(Stream.Null, 8, 9, [new(0, 1)]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ExpertTraceWriter(Stream.Null, 8, 2, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ExpertTraceWriter(Stream.Null, 8, 2, [new(0, 0)]));
        ExpertTraceWriter writer = new(Stream.Null, 8, 2, [new(0, 1)]);
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Add(1, [1], 1, ExpertPassKind.Decode));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Add(0, [1], 0, ExpertPassKind.Decode));
        Assert.Throws<ArgumentException>(() => writer.Add(0, [2, 1], 1, ExpertPassKind.Decode));
        Assert.Throws<ArgumentException>(() => writer.Add(0, [1, 1], 1, ExpertPassKind.Decode));
        Assert.Throws<ArgumentException>(() => writer.Add(0, [8], 1, ExpertPassKind.Decode));
        writer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => writer.Add(0, [1], 1, ExpertPassKind.Decode));
    }

    [Fact]
    public void AFullDiskIsTheFaultOfOneCall()
    {
        using FullStream stream = new(capacity: 40);
        ExpertTraceWriter writer = new(stream, 8, 2, [new(0, 1)]);
        Assert.Throws<IOException>(() =>
        {
            for (int i = 0; i < 100_000; i++)
            {
                writer.Add(0, [1, 2], 1, ExpertPassKind.Decode);
            }
        });
        writer.Dispose();
    }

    [Theory]
    [InlineData("magic", 0, 0)]
    [InlineData("version", VersionAt, 2)]
    [InlineData("experts", ExpertsAt, 0)]
    [InlineData("experts", ExpertsAt, 65537)]
    [InlineData("experts per token", UsedAt, 0)]
    [InlineData("experts per token", UsedAt, 9)]
    [InlineData("layers", LayersAt, 0)]
    [InlineData("layers", LayersAt, 5000)]
    [InlineData("block", BlockAt, -1)]
    [InlineData("expert bytes", ExpertBytesAt, 0)]
    public void AWrongHeaderIsNamed(string field, int offset, int value)
    {
        byte[] bytes = ExpertTraces.OfPasses(8, 2, [0, 1]);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(offset), value);
        ExpertTraceException fault = Assert.Throws<ExpertTraceException>(() => ExpertTrace.Parse(bytes, "some.trace"));

        Assert.Equal((field, (long)offset, "some.trace"), (fault.Field, fault.Offset, fault.File));
        Assert.StartsWith($"some.trace: {field} at byte {offset}: ", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ManyLayersOfManyExpertsAreTooMany()
    {
        byte[] bytes = ExpertTraces.OfPasses(8, 2, [0, 1]);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(ExpertsAt), 65536);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(LayersAt), 17);

        Assert.Equal("layers", Assert.Throws<ExpertTraceException>(() => ExpertTrace.Parse(bytes)).Field);
    }

    [Theory]
    [InlineData("pass", 0, new byte[] { 0, 0, 1, 0 })] // No pass goes on.
    [InlineData("pass", 0, new byte[] { 1, 0, 1, 0 })] // No tokens.
    [InlineData("pass", 4, new byte[] { 2, 0, 1, 0, 0, 0, 1, 0 })] // The same layer again.
    [InlineData("pass", 0, new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 1, 0 })]
    [InlineData("pass", 0, new byte[] { 0x82, 0x80, 0x80, 0x80, 0x80, 0, 1, 0 })] // Six bytes.
    [InlineData("layer", 1, new byte[] { 2, 1, 1, 0 })]
    [InlineData("count", 2, new byte[] { 2, 0, 0 })]
    [InlineData("count", 2, new byte[] { 2, 0, 9 })]
    [InlineData("expert", 3, new byte[] { 2, 0, 1, 8 })]
    [InlineData("expert", 4, new byte[] { 2, 0, 2, 7, 0 })]
    [InlineData("expert", 4, new byte[] { 2, 0, 2, 0 })] // Truncated.
    public void AWrongRequestIsNamed(string field, int offset, byte[] requests)
    {
        byte[] bytes = [.. ExpertTraces.OfPasses(8, 2, [0, 1])[..RequestsAt], .. requests];
        ExpertTraceException fault = Assert.Throws<ExpertTraceException>(() => ExpertTrace.Parse(bytes));

        Assert.Equal((field, (long)RequestsAt + offset), (fault.Field, fault.Offset));
    }

    [Fact]
    public void EveryTruncationIsAFaultOrATraceWithFewerRequests()
    {
        byte[] whole = ExpertTraces.Random(1, passes: 10);
        int requests = 0;
        for (int length = 0; length <= whole.Length; length++)
        {
            try
            {
                requests = ExpertTrace.Parse(whole.AsSpan(0, length)).Passes.ToArray().Sum(pass => pass.RequestCount);
            }
            catch (ExpertTraceException fault)
            {
                Assert.InRange(fault.Offset, 0, length);
            }
        }

        Assert.Equal(30, requests);
    }

    [Fact]
    public void MutatedFilesAreFaultsOrConsistent()
    {
        Random random = new(3);
        byte[] original = ExpertTraces.Random(2, passes: 30);
        int accepted = 0;
        const int Runs = 20_000;
        for (int run = 0; run < Runs; run++)
        {
            byte[] bytes = [.. original];
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                // Half of them in the header.
                bytes[random.Next(random.Next(2) == 0 ? 60 : bytes.Length)] = (byte)(random.Next(2) == 0 ? random.Next(256) : 0xFF);
            }

            try
            {
                AssertConsistent(ExpertTrace.Parse(bytes));
                accepted++;
            }
            catch (ExpertTraceException fault)
            {
                Assert.True(fault.Offset >= 0 && fault.Offset <= bytes.Length && fault.Field.Length > 0);
            }
        }

        Assert.InRange(accepted, Runs / 50, Runs - (Runs / 50));
    }

    [Fact]
    public void AFileTooLargeIsRefusedUnread()
    {
        using TempFolder folder = new();
        string path = folder.PathOf("large.trace");
        using (FileStream stream = File.Create(path))
        {
            stream.SetLength(ExpertTraceFormat.MaxFileBytes + 1L);
        }

        Assert.Equal("file", Assert.Throws<ExpertTraceException>(() => ExpertTrace.Read(path)).Field);
    }

    private static void AssertConsistent(ExpertTrace trace)
    {
        Assert.InRange(trace.TotalExperts, 1, ExpertTraceFormat.MaxTotalExperts);
        foreach (ExpertPass pass in trace.Passes)
        {
            Assert.InRange(pass.Tokens, 1, ExpertTraceFormat.MaxTokens);
            int layer = -1;
            foreach (ExpertRequest request in trace.RequestsOf(pass))
            {
                Assert.InRange(request.Layer, layer + 1, trace.Layers.Count - 1);
                layer = request.Layer;
                int expert = -1;
                foreach (ushort next in trace.ExpertsOf(request))
                {
                    Assert.InRange(next, expert + 1, trace.ExpertCount - 1);
                    expert = next;
                }
            }
        }
    }

    private static ExpertTrace ReadShared(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return ExpertTrace.Parse(bytes);
    }

    private sealed class FullStream(int capacity) : MemoryStream
    {
        // Writes of spans come here as well, as the stream is a derived one.
        public override void Write(byte[] buffer, int offset, int count)
        {
            if (Length + count > capacity)
            {
                throw new IOException("No space left on device");
            }

            base.Write(buffer, offset, count);
        }
    }
}
