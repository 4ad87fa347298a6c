using System.Runtime.InteropServices;
using System.Text;
using CpuMoe.Gguf;

namespace CpuMoe.Tests.Gguf;

/// <summary>Puts together the bytes of a file without any check, independently of the writer.</summary>
internal sealed class RawGguf
{
    private readonly List<byte> _bytes = [];

    public RawGguf(ulong tensors, ulong entries, uint version = 3) =>
        Put("GGUF"u8).Put(version).Put(tensors).Put(entries);

    /// <summary>The 192 bytes of the format notes: tensor <c>t</c> = [1, -2], an architecture, and an array.</summary>
    public static byte[] Vector => Convert.FromHexString(
        """
        47475546 03000000 01000000 00000000
        02000000 00000000 14000000 00000000
        67656e65 72616c2e 61726368 69746563
        74757265 08000000 04000000 00000000
        74657374 03000000 00000000 612e6209
        00000004 00000003 00000000 00000001
        00000002 00000003 00000001 00000000
        00000074 01000000 02000000 00000000
        00000000 00000000 00000000 00000000
        00000000 00000000 00000000 00000000
        0000803f 000000c0 00000000 00000000
        00000000 00000000 00000000 00000000
        """.ReplaceLineEndings("").Replace(" ", ""));

    public int Position => _bytes.Count;

    public byte[] Bytes => [.. _bytes];

    public static byte[] Patch<T>(byte[] bytes, int offset, T value)
        where T : unmanaged
    {
        byte[] result = [.. bytes];
        MemoryMarshal.Write(result.AsSpan(offset), value);
        return result;
    }

    public static GgufHeader Read(byte[] bytes) => GgufHeader.Read(new MemoryStream(bytes), bytes.Length, file: null);

    public RawGguf Put(ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public RawGguf Put<T>(T value)
        where T : unmanaged => Put(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

    public RawGguf Text(string text) => Text(Encoding.UTF8.GetBytes(text));

    public RawGguf Text(byte[] utf8) => Put((ulong)utf8.Length).Put(utf8);

    public RawGguf Key(string key, uint type) => Text(key).Put(type);

    public RawGguf Array(string key, uint elementType, ulong count) => Key(key, 9).Put(elementType).Put(count);

    public RawGguf Tensor(string name, long[] dimensions, uint type = 0, ulong offset = 0) =>
        Text(name).Put(dimensions.Length).Put(MemoryMarshal.AsBytes(dimensions.AsSpan())).Put(type).Put(offset);

    public RawGguf Zeros(int count) => Put(new byte[count]);

    public RawGguf Pad(int alignment = 32) => Zeros((alignment - (Position % alignment)) % alignment);
}
