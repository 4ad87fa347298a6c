using System.Text;
using CpuMoe.Gguf;

namespace CpuMoe.Tests.Gguf;

/// <summary>Every malformed container: the exception names the field and the place, from memory and from disk alike.</summary>
/// <remarks>The numbers are those of the table of malformed inputs in the format notes; 34 and 35 are warnings.</remarks>
public class GgufMalformedTests
{
    private const uint U32 = 4, Bool = 7, Text = 8, U64 = 10;
    private const uint Q8_0 = 8, Q4_K = 12;

    private static readonly Dictionary<string, Malformed> Cases = Build().ToDictionary(row => row.Name);

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void IsRefused(string name)
    {
        Malformed row = Cases[name];
        GgufFormatException fault = Assert.Throws<GgufFormatException>(() => RawGguf.Read(row.Bytes));
        Assert.Equal((row.Field, row.Offset), (fault.Field, fault.Offset));
        Assert.Contains(row.Problem, fault.Message, StringComparison.Ordinal);
        Assert.Null(fault.File);

        using TempFolder folder = new();
        string path = folder.Write("bad.gguf", row.Bytes);
        GgufFormatException fromDisk = Assert.Throws<GgufFormatException>(() => GgufFile.Open(path));
        Assert.Equal((row.Field, row.Offset, path), (fromDisk.Field, fromDisk.Offset, fromDisk.File));
        Assert.StartsWith(path, fromDisk.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NonZeroPaddingIsAWarning() // 34
    {
        byte[] bytes = RawGguf.Patch(RawGguf.Vector, 150, (byte)1);
        Assert.Contains("padding", Assert.Single(RawGguf.Read(bytes).Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void TrailingBytesAreAWarning() // 35
    {
        byte[] bytes = [.. RawGguf.Vector, 0];
        Assert.StartsWith("1 bytes follow", Assert.Single(RawGguf.Read(bytes).Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(64, 0)]
    [InlineData(0, 64)]
    public void GapsAndDisorderAreAWarning(int first, int second) // 31
    {
        byte[] bytes = new RawGguf(tensors: 2, entries: 0).Tensor("a", [1], offset: (ulong)first).Tensor("b", [1], offset: (ulong)second).Pad().Zeros(96).Bytes;
        Assert.Contains("gaps", Assert.Single(RawGguf.Read(bytes).Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void InvalidTextValueIsAWarning()
    {
        byte[] bytes = new RawGguf(0, 1).Array("k", Text, 2).Text([0x61, 0xFF]).Text("b").Bytes;
        GgufHeader header = RawGguf.Read(bytes);
        Assert.Contains("1 texts", Assert.Single(header.Warnings), StringComparison.Ordinal);
        Assert.Equal(["a\uFFFD", "b"], header.Metadata.GetStrings("k")!);
    }

    [Fact]
    public void MetadataAreLimited()
    {
        GgufReader reader = new(new MemoryStream(new byte[100]), 100, file: null, limit: 50);
        reader.Take(50, "fits");
        GgufFormatException fault = Assert.Throws<GgufFormatException>(() => reader.Read<byte>("over"));
        Assert.Equal(("over", 50L), (fault.Field, fault.Offset));
        Assert.Contains("limit", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FileThatEndsWhileItIsReadIsRefused()
    {
        byte[] bytes = RawGguf.Vector;
        GgufFormatException fault = Assert.Throws<GgufFormatException>(() => GgufHeader.Read(new MemoryStream(bytes[..60]), bytes.Length, "x.gguf"));
        Assert.Contains("while it was read", fault.Message, StringComparison.Ordinal);

        byte[] large = new RawGguf(0, 1).Array("k", 0, 200_000).Zeros(200_000).Bytes;
        fault = Assert.Throws<GgufFormatException>(() => GgufHeader.Read(new MemoryStream(large[..100_000]), large.Length, "x.gguf"));
        Assert.Equal("k", fault.Field);
    }

    [Fact]
    public void MessageDoesNotCarryControlCharacters()
    {
        byte[] bytes = new RawGguf(0, 1).Key("\e[31mred\n", 99).Bytes;
        GgufFormatException fault = Assert.Throws<GgufFormatException>(() => RawGguf.Read(bytes));
        Assert.Equal("\e[31mred\n", fault.Field);
        Assert.Contains("\\u001b[31mred\\n", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(fault.Message, char.IsControl);
    }

    private static IEnumerable<Malformed> Build() => [.. Headers(), .. Entries(), .. Arrays(), .. Alignments(), .. TensorRecords(), .. TensorPlaces()];

    private static IEnumerable<Malformed> Headers()
    {
        byte[] vector = RawGguf.Vector;
        yield return new("1: empty", [], "header", 0, "0 bytes");
        yield return new("1: 23 bytes", vector[..23], "header", 0, "23 bytes");
        byte[][] magics = ["lmgg"u8.ToArray(), "fmgg"u8.ToArray(), "tjgg"u8.ToArray(), "GGML"u8.ToArray(), "GGMF"u8.ToArray(), "GGJT"u8.ToArray()];
        foreach (byte[] magic in magics)
        {
            yield return new($"2: {Encoding.ASCII.GetString(magic)}", [.. magic, .. vector[4..]], "magic", 0, "predecessor");
        }

        yield return new("2: swapped", [.. "FUGG"u8, .. vector[4..]], "magic", 0, "byte-swapped");
        yield return new("2: gzip", [0x1F, 0x8B, .. vector[2..]], "magic", 0, "gzip");
        yield return new("2: zip", [.. "PK\x3\x4"u8, .. vector[4..]], "magic", 0, "ZIP");
        yield return new("2: safetensors", [.. BitConverter.GetBytes(40L), .. "{\"a\":{\"dtype\":\"F32\"}}      "u8], "magic", 0, "safetensors");
        yield return new("2: LFS pointer", [.. "version https://git-lfs.github.com/spec/v1"u8], "magic", 0, "git lfs pull");
        yield return new("2: web page", [.. "\n<!DOCTYPE html><html></html>"u8], "magic", 0, "web page");
        yield return new("2: zeros", new byte[100], "magic", 0, "00000000");
        foreach (uint version in (uint[])[0, 1, 4, 0xFFFFFFFF])
        {
            yield return new($"3: version {version}", RawGguf.Patch(vector, 4, version), "version", 4, "not supported");
        }

        yield return new("4: big-endian", RawGguf.Patch(vector, 4, 0x03000000), "version", 4, "big-endian");
        foreach (ulong count in (ulong[])[1 << 20, (1 << 20) + 1, 1ul << 31, 1ul << 63, ulong.MaxValue])
        {
            yield return new($"5: {count} tensors", RawGguf.Patch(vector, 8, count), "n_tensors", 8, $"{count}");
        }

        foreach (ulong count in (ulong[])[65536, 65537, 1ul << 32, 1ul << 63, ulong.MaxValue])
        {
            yield return new($"5: {count} keys", RawGguf.Patch(vector, 16, count), "n_kv", 16, $"{count}");
        }

        yield return new("5: one tensor too many for the bytes", RawGguf.Patch(vector, 8, 7ul), "n_tensors", 8, "168 bytes");
        yield return new("5: one key too many for the bytes", RawGguf.Patch(vector, 16, 13ul), "n_kv", 16, "168 bytes");
    }

    private static IEnumerable<Malformed> Entries()
    {
        byte[] vector = RawGguf.Vector;
        yield return new("6: cut in key", new RawGguf(0, 1).Put(9ul).Put("general"u8).Bytes, "key 0", 32, "9 bytes are needed, 7 remain");
        yield return new("6: cut in value type", new RawGguf(0, 1).Text("abcd").Put((ushort)U32).Bytes, "abcd", 36, "4 bytes are needed, 2 remain");
        yield return new("6: cut in value", new RawGguf(0, 1).Key("k", U64).Zeros(7).Bytes, "k", 37, "8 bytes are needed, 7 remain");
        yield return new("6: cut in string value", new RawGguf(0, 1).Key("k", Text).Put(5ul).Put("four"u8).Bytes, "k", 45, "5 bytes are needed, 4 remain");
        yield return new("6: cut in array", vector[..98], "a.b", 95, "12 bytes are needed, 3 remain");
        yield return new("6: cut in array of strings", new RawGguf(0, 1).Array("k", Text, 2).Text("abcdefgh").Bytes, "k", 65, "8 bytes are needed, 0 remain");
        yield return new("6: cut in tensor record", vector[..139], "t", 132, "8 bytes are needed, 7 remain");
        yield return new("7: key longer than the file", RawGguf.Patch(vector, 24, 161ul), "key 0", 32, "161 bytes are needed, 160 remain");
        yield return new("7: string longer than the file", RawGguf.Patch(vector, 56, 129ul), "general.architecture", 64, "129 bytes are needed, 128 remain");
        yield return new("7: string above the limit", RawGguf.Patch(vector, 56, (64ul << 20) + 1), "general.architecture", 56, "limit");
        yield return new("7: string of 2^64-1", RawGguf.Patch(vector, 56, ulong.MaxValue), "general.architecture", 56, "limit");
        yield return new("8: empty key", new RawGguf(0, 1).Key("", U32).Put(1).Zeros(9).Bytes, "key 0", 24, "empty");
        yield return new("9: key of 65536 bytes", new RawGguf(0, 1).Key(new string('k', 65536), U32).Put(1).Bytes, "key 0", 24, "65535");
        yield return new("10: key twice", new RawGguf(0, 3).Key("k", U32).Put(1).Key("j", U32).Put(1).Key("k", U32).Put(2).Bytes, "k", 58, "twice");
        byte[] duplicate = new RawGguf(0, 2).Key("general.architecture", Text).Text("test").Array("general.architecture", U32, 3).Zeros(12).Bytes;
        yield return new("10: architecture twice", duplicate, "general.architecture", 68, "twice");
        yield return new("11: value type 13", new RawGguf(0, 1).Key("k", 13).Zeros(8).Bytes, "k", 33, "value type 13");
        yield return new("11: value type 2^32-1", new RawGguf(0, 1).Key("k", uint.MaxValue).Zeros(8).Bytes, "k", 33, "value type 4294967295");
        yield return new("16: boolean 2", new RawGguf(0, 1).Key("k", Bool).Put((byte)2).Bytes, "k", 37, "2 instead of 0 or 1");
        yield return new("17: invalid UTF-8 in key", new RawGguf(0, 1).Text([0xC3, 0x28]).Put(U32).Put(1).Bytes, "key 0", 24, "UTF-8");
    }

    private static IEnumerable<Malformed> Arrays()
    {
        yield return new("12: element type 13", new RawGguf(0, 1).Array("k", 13, 1).Zeros(8).Bytes, "k", 37, "element type 13");
        yield return new("13: array of arrays", new RawGguf(0, 1).Array("k", 9, 1).Put(U32).Put(1ul).Put(1).Bytes, "k", 37, "arrays of arrays");
        yield return new("14: size overflows", new RawGguf(0, 1).Array("k", U64, 1ul << 61).Zeros(64).Bytes, "k", 41, "2305843009213693952 elements");
        yield return new("14: more than the file", new RawGguf(0, 1).Array("k", U64, 9).Zeros(64).Bytes, "k", 49, "72 bytes are needed, 64 remain");
        yield return new("14: above the limit", new RawGguf(0, 1).Array("k", 0, (16 << 20) + 1).Zeros(64).Bytes, "k", 41, "limit");
        yield return new("14: largest count of largest type", new RawGguf(0, 1).Array("k", U64, 16 << 20).Zeros(64).Bytes, "k", 49, "134217728 bytes are needed");
        yield return new("15: strings", new RawGguf(0, 1).Array("k", Text, 3).Zeros(23).Bytes, "k", 49, "24 bytes are needed, 23 remain");
        yield return new("16: boolean 7 in array", new RawGguf(0, 1).Array("k", Bool, 3).Put([1, 0, 7]).Bytes, "k", 51, "7 instead of 0 or 1");
    }

    private static IEnumerable<Malformed> Alignments()
    {
        static RawGguf With(uint type) => new RawGguf(1, 1).Key("general.alignment", type);
        const string Key = "general.alignment";
        yield return new("18: i32", With(5).Put(32).Zeros(99).Bytes, Key, 24, "u32");
        yield return new("18: u64", With(U64).Put(32ul).Zeros(99).Bytes, Key, 24, "u32");
        yield return new("18: string", With(Text).Text("32").Zeros(99).Bytes, Key, 24, "u32");
        yield return new("18: array", new RawGguf(1, 1).Array(Key, U32, 1).Put(32).Zeros(99).Bytes, Key, 24, "u32");
        foreach (uint alignment in (uint[])[0, 1, 4, 65537, 131072, uint.MaxValue])
        {
            yield return new($"19: {alignment}", With(U32).Put(alignment).Zeros(99).Bytes, Key, 24, "outside 8 to 65536");
        }

        yield return new("19: 24", With(U32).Put(24).Zeros(99).Bytes, Key, 24, "power of two");
    }

    private static IEnumerable<Malformed> TensorRecords()
    {
        static byte[] Tensor(string name, uint type, params long[] dimensions) => new RawGguf(1, 0).Tensor(name, dimensions, type).Pad().Zeros(256).Bytes;
        yield return new("17: invalid UTF-8 in tensor name", new RawGguf(1, 0).Text([0xFF]).Zeros(99).Bytes, "tensor 0", 24, "UTF-8");
        yield return new("20: empty name", Tensor("", 0, 1), "tensor 0", 24, "empty");
        yield return new("20: name of 64 bytes", Tensor(new string('n', 64), 0, 1), "tensor 0", 24, "63");
        yield return new("20: NUL in name", Tensor("a\0b", 0, 1), "tensor 0", 24, "NUL");
        byte[] twice = new RawGguf(2, 0).Tensor("t", [1]).Tensor("t", [1], offset: 32).Pad().Zeros(64).Bytes;
        yield return new("21: tensor twice", twice, "t", 57, "twice");
        yield return new("22: 5 dimensions", Tensor("t", 0, 1, 1, 1, 1, 1), "t", 33, "5 dimensions");
        yield return new("22: 2^32-1 dimensions", new RawGguf(1, 0).Text("t").Put(uint.MaxValue).Zeros(99).Bytes, "t", 33, "4294967295 dimensions");
        yield return new("23: zero", Tensor("t", 0, 2, 0), "t", 33, "dimension 0");
        yield return new("23: negative", Tensor("t", 0, -1), "t", 33, "dimension -1");
        yield return new("23: two negatives", Tensor("t", 0, -1, -1), "t", 33, "dimension -1");
        yield return new("24: product overflows to 0", Tensor("t", 0, 1L << 32, 1L << 32), "t", 33, "too many elements");
        yield return new("24: product overflows to 4", Tensor("t", 0, (1L << 62) + 1, 4), "t", 33, "too many elements");
        yield return new("24: 2^48 elements", Tensor("t", 0, 1L << 24, 1L << 24), "t", 33, "too many elements");
        foreach (uint type in (uint[])[4, 5, 31, 32, 33, 36, 37, 38])
        {
            yield return new($"25: removed type {type}", Tensor("t", type, 256), "t", 45, $"tensor type {type} was removed");
        }

        foreach (uint type in (uint[])[43, 137, uint.MaxValue])
        {
            yield return new($"25: unknown type {type}", Tensor("t", type, 256), "t", 45, $"tensor type {type} is unknown");
        }

        yield return new("26: row of 255", Tensor("t", Q4_K, 255, 256), "t", 33, "multiple of the block size 256");
        yield return new("26: quantised scalar", Tensor("t", Q8_0), "t", 33, "multiple of the block size 32");
        yield return new("27: byte size overflows", Tensor("t", 28, 1L << 61), "t", 33, "too many elements");
    }

    private static IEnumerable<Malformed> TensorPlaces()
    {
        static byte[] At(ulong offset) => new RawGguf(1, 0).Tensor("t", [16], offset: offset).Pad().Zeros(64).Bytes;
        yield return new("28: misaligned", At(1), "t", 24, "alignment 32");
        yield return new("28: aligned to 16 only", At(16), "t", 24, "alignment 32");
        byte[] aligned64 = new RawGguf(1, 1).Key("general.alignment", U32).Put(64).Tensor("t", [1], offset: 32).Pad(64).Zeros(64).Bytes;
        yield return new("28: misaligned to 64", aligned64, "t", 57, "alignment 64");
        yield return new("29: ends one block behind", At(32), "t", 24, "behind the end");
        yield return new("29: starts behind", At(96), "t", 24, "behind the end");
        yield return new("29: sum overflows", At(ulong.MaxValue - 31), "t", 24, "behind the end");
        yield return new("29: negative", At(1ul << 63), "t", 24, "behind the end");
        byte[] overlap = new RawGguf(3, 0).Tensor("a", [16], offset: 32).Tensor("b", [1], offset: 96).Tensor("c", [8], offset: 64).Pad().Zeros(128).Bytes;
        yield return new("30: overlap", overlap, "c", 90, "overlap with those of a");
        byte[] same = new RawGguf(2, 0).Tensor("a", [1]).Tensor("b", [1]).Pad().Zeros(32).Bytes;
        yield return new("30: same place", same, "b", 57, "overlap with those of a");
        yield return new("32: data start behind the end", new RawGguf(1, 0).Tensor("t", [1]).Zeros(6).Bytes, "tensor data", 57, "starts at byte 64");
        long[] huge = [1L << 24, (1L << 24) - 1];
        byte[] sum = new RawGguf(2, 0).Tensor("a", huge, 28).Tensor("b", huge, 28, 1ul << 62).Pad().Zeros(64).Bytes;
        yield return new("33: padded sizes overflow", sum, "a", 24, "behind the end");
    }

    private sealed record Malformed(string Name, byte[] Bytes, string Field, long Offset, string Problem);
}
