namespace CpuMoe.Models;

/// <summary>Keys and values of the tokens evaluated so far, for all layers of one sequence.</summary>
public sealed class KvCache : IDisposable
{
    /// <summary>The number of tokens that fit.</summary>
    public int Capacity => throw new NotImplementedException();

    /// <summary>The number of tokens held.</summary>
    public int Length => throw new NotImplementedException();

    /// <summary>The number format.</summary>
    public KvType Type => throw new NotImplementedException();

    /// <summary>Bytes reserved for all positions.</summary>
    public long ByteCount => throw new NotImplementedException();

    /// <summary>Forgets the tokens from position <paramref name="length"/> on.</summary>
    public void Truncate(int length) => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
