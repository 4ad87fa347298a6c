using System.Collections.Immutable;

namespace CpuMoe.Gguf;

/// <summary>One tensor of a GGUF file: its record in the directory and where its bytes lie in memory.</summary>
public sealed class GgufTensor
{
    internal GgufTensor(string name, GgmlType type, ImmutableArray<long> dimensions, long byteCount, int shard, long recordOffset, long fileOffset)
    {
        Name = name;
        Type = type;
        Dimensions = dimensions;
        ByteCount = byteCount;
        Shard = shard;
        RecordOffset = recordOffset;
        FileOffset = fileOffset;
    }

    /// <summary>The name, for example <c>blk.0.attn_q.weight</c>.</summary>
    public string Name { get; }

    /// <summary>The element type.</summary>
    public GgmlType Type { get; }

    /// <summary>The dimensions in ggml order: row length first. Always four entries, trailing ones are 1.</summary>
    public ImmutableArray<long> Dimensions { get; }

    /// <summary>The number of dimensions written in the file, 0 to 4.</summary>
    public int Rank { get; internal init; }

    /// <summary>The number of values.</summary>
    public long ElementCount => Dimensions[0] * Dimensions[1] * Dimensions[2] * Dimensions[3];

    /// <summary>The size of the data in bytes.</summary>
    public long ByteCount { get; }

    /// <summary>The bytes of one row (<c>Dimensions[0]</c> values).</summary>
    public long RowBytes => ByteCount / (Dimensions[1] * Dimensions[2] * Dimensions[3]);

    /// <summary>The zero-based index of the file part that holds the data.</summary>
    public int Shard { get; }

    /// <summary>The byte offset of the directory record in its file part.</summary>
    public long RecordOffset { get; }

    /// <summary>The byte offset of the data in its file part.</summary>
    public long FileOffset { get; }

    /// <summary>The mapped bytes; null before they are mapped and after the <see cref="GgufFile"/> is disposed.</summary>
    internal unsafe byte* Data { get; set; }

    /// <summary>The mapped bytes; valid until the <see cref="GgufFile"/> is disposed.</summary>
    /// <exception cref="InvalidOperationException">The tensor is larger than a span can be (2 GiB).</exception>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
    public unsafe ReadOnlySpan<byte> Bytes
    {
        get
        {
            ObjectDisposedException.ThrowIf(Data is null, typeof(GgufFile));
            return ByteCount <= int.MaxValue
                ? new ReadOnlySpan<byte>(Data, (int)ByteCount)
                : throw new InvalidOperationException($"Tensor {Name} has {ByteCount} bytes, more than one span can show.");
        }
    }
}
