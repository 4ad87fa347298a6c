using System.Runtime.InteropServices;
using CpuMoe.Gguf;

namespace CpuMoe.Tests.Gguf;

/// <summary>The smallest whole file, and what becomes of it when its fields are changed.</summary>
public class GgufVectorTests
{
    /// <summary>Offsets of all 64-bit lengths and counts: tensors, entries, key, text, key, array, tensor name.</summary>
    private static readonly int[] LengthFields = [8, 16, 24, 56, 68, 87, 107];

    public static TheoryData<uint> Versions => [2, 3];

    [Theory]
    [MemberData(nameof(Versions))]
    public void Opens(uint version)
    {
        using TempFolder folder = new();
        string path = folder.Write("v.gguf", RawGguf.Patch(RawGguf.Vector, 4, version));
        using GgufFile file = GgufFile.Open(path);

        Assert.Equal((int)version, file.Version);
        Assert.Equal(path, file.Path);
        Assert.Equal([path], file.PartPaths);
        Assert.Equal(192, file.FileBytes);
        Assert.Empty(file.Warnings);
        Assert.Equal("test", file.Metadata.GetString("general.architecture"));
        Assert.Equal([1, 2, 3], file.Metadata.GetInt32s("a.b")!);
        Assert.Equal(24, file.Metadata.OffsetOf("general.architecture"));
        Assert.Equal(68, file.Metadata.OffsetOf("a.b"));
        GgufTensor tensor = Assert.Single(file.Tensors);
        Assert.True(file.TryGetTensor("t", out GgufTensor? found));
        Assert.Same(tensor, found);
        Assert.False(file.TryGetTensor("T", out _));
        Assert.Equal(GgmlType.F32, tensor.Type);
        Assert.Equal([2L, 1, 1, 1], tensor.Dimensions);
        Assert.Equal((1, 2L, 8L, 8L, 0), (tensor.Rank, tensor.ElementCount, tensor.ByteCount, tensor.RowBytes, tensor.Shard));
        Assert.Equal((107L, 160L), (tensor.RecordOffset, tensor.FileOffset));
        Assert.Equal([1f, -2f], MemoryMarshal.Cast<byte, float>(tensor.Bytes).ToArray());
    }

    [Fact]
    public void CutAnywhereItIsRefusedUnlessTheTensorIsWhole()
    {
        for (int length = 0; length <= 192; length++)
        {
            byte[] cut = RawGguf.Vector[..length];
            if (length < 168)
            {
                GgufFormatException fault = Assert.Throws<GgufFormatException>(() => RawGguf.Read(cut));
                Assert.InRange(fault.Offset, 0, length);
                Assert.NotEmpty(fault.Field);
            }
            else
            {
                Assert.Empty(RawGguf.Read(cut).Warnings);
            }
        }
    }

    [Theory]
    [InlineData(0ul)]
    [InlineData(1ul)]
    [InlineData(1ul << 31)]
    [InlineData(1ul << 32)]
    [InlineData((1ul << 63) - 1)]
    [InlineData(ulong.MaxValue)]
    public void EachLengthIsChecked(ulong value)
    {
        foreach (int offset in LengthFields)
        {
            byte[] mutated = RawGguf.Patch(RawGguf.Vector, offset, value);
            if (mutated.SequenceEqual(RawGguf.Vector) || (offset == 8 && value == 0))
            {
                // Without tensors the file is whole: its directory and data are bytes at the end.
                Assert.Equal((int)value, RawGguf.Read(mutated).Tensors.Length);
            }
            else
            {
                GgufFormatException fault = Assert.Throws<GgufFormatException>(() => RawGguf.Read(mutated));
                Assert.InRange(fault.Offset, 8, 192);
            }
        }
    }

    [Theory]
    [InlineData(4, 0u, "version")]
    [InlineData(4, 1u, "version")]
    [InlineData(4, 4u, "version")]
    [InlineData(4, 0x03000000u, "version")]
    [InlineData(128, 4u, "t")]
    [InlineData(128, 31u, "t")]
    [InlineData(128, 43u, "t")]
    [InlineData(128, uint.MaxValue, "t")]
    public void VersionAndTypeAreChecked(int offset, uint value, string field)
    {
        byte[] mutated = RawGguf.Patch(RawGguf.Vector, offset, value);
        GgufFormatException fault = Assert.Throws<GgufFormatException>(() => RawGguf.Read(mutated));
        Assert.Equal((field, (long)offset), (fault.Field, fault.Offset));
    }

    [Theory]
    [InlineData(132, 1ul, 107)]
    [InlineData(132, 32ul, 107)]
    [InlineData(132, ulong.MaxValue - 31, 107)]
    [InlineData(120, 0ul, 116)]
    [InlineData(120, 1ul << 63, 116)]
    public void TensorOffsetAndDimensionAreChecked(int offset, ulong value, int place)
    {
        byte[] mutated = RawGguf.Patch(RawGguf.Vector, offset, value);
        GgufFormatException fault = Assert.Throws<GgufFormatException>(() => RawGguf.Read(mutated));
        Assert.Equal(("t", (long)place), (fault.Field, fault.Offset));
    }
}
