using System.Runtime.InteropServices;
using System.Text.Json;
using CpuMoe.Blocks;
using CpuMoe.Gguf;
using CpuMoe.Testing;

namespace CpuMoe.Tests.Blocks;

/// <summary>The blocks of <c>tests/data/blocks</c>, whose values another implementation has written down.</summary>
public class GoldenBlockTests
{
    public static TheoryData<string> Types => [.. Entries().Where(e => Enum.TryParse(e.Type, out GgmlType type) && BlockFormats.IsSupported(type)).Select(e => e.Type)];

    [Theory]
    [MemberData(nameof(Types))]
    public void DequantizeIsBitEqual(string type)
    {
        Entry entry = Entries().Single(e => e.Type == type);
        byte[] blocks = File.ReadAllBytes(PathOf(entry.BlocksFile));
        int[] expected = [.. MemoryMarshal.Cast<byte, int>(File.ReadAllBytes(PathOf(entry.ValuesFile)))];
        FormatUnderTest format = FormatUnderTest.Of(Enum.Parse<GgmlType>(type));

        Assert.Equal(entry.Blocks * format.BytesPerBlock, blocks.Length);
        float[] actual = format.Dequantize(blocks);
        Assert.Equal(entry.Values, actual.Length);
        Assert.Equal(expected, actual.Select(BitConverter.SingleToInt32Bits));
    }

    [Fact]
    public void EveryReferenceTypeTheEngineKnowsIsCovered()
        => Assert.Equal(14, Types.Count);

    private static string PathOf(string name) => Path.Combine(TestData.DataFolder, "blocks", name);

    private static Entry[] Entries()
        => JsonSerializer.Deserialize<Entry[]>(File.ReadAllText(PathOf("index.json")), SnakeCase)!;

    private static readonly JsonSerializerOptions SnakeCase = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private sealed record Entry(string Type, int Blocks, int Values, string BlocksFile, string ValuesFile);
}
