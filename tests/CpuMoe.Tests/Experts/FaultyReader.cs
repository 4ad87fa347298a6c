using CpuMoe.Experts;

namespace CpuMoe.Tests.Experts;

/// <summary>A read, as a test sees it before it happens.</summary>
/// <param name="Number">0 for the first read.</param>
/// <param name="Offset">Where in the part.</param>
/// <param name="Length">How many bytes are asked for.</param>
internal readonly record struct ReadRequest(int Number, long Offset, int Length);

/// <summary>Reads parts that lie in memory, or a real reader's, with faults between.</summary>
internal sealed unsafe class FaultyReader : IWeightReader
{
    private readonly IWeightReader? _inner;
    private readonly byte[] _bytes;
    private int _reads;

    public FaultyReader(IWeightReader inner)
    {
        _inner = inner;
        _bytes = [];
    }

    public FaultyReader(byte[] bytes)
    {
        _bytes = bytes;
    }

    /// <summary>Called before each read; may throw, wait, or return the most bytes that the read may give.</summary>
    public Func<ReadRequest, int>? BeforeRead { get; set; }

    public int Reads => Volatile.Read(ref _reads);

    public string Mode => "memory";

    public bool IsDisposed { get; private set; }

    public int Read(int part, long offset, byte* target, int length)
    {
        Assert.Equal(0, offset % ReadJob.Alignment);
        Assert.Equal(0, length % ReadJob.Alignment);
        Assert.Equal(0, (nint)target % ReadJob.Alignment);
        int number = Interlocked.Increment(ref _reads) - 1;
        int most = BeforeRead?.Invoke(new ReadRequest(number, offset, length)) ?? int.MaxValue;
        if (_inner is not null)
        {
            return Math.Min(most, _inner.Read(part, offset, target, length));
        }

        int count = (int)Math.Clamp(_bytes.Length - offset, 0, Math.Min(most, length));
        _bytes.AsSpan((int)Math.Min(offset, _bytes.Length), count).CopyTo(new Span<byte>(target, length));
        return count;
    }

    public string PathOf(int part) => $"part {part}";

    public void Dispose()
    {
        IsDisposed = true;
        _inner?.Dispose();
    }
}
