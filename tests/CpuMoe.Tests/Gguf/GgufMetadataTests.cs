using CpuMoe.Gguf;

namespace CpuMoe.Tests.Gguf;

/// <summary>Typed getters: what fits is handed out, all else is a fault that names the key and its place.</summary>
public class GgufMetadataTests
{
    public static TheoryData<object, int> FittingIntegers => new()
    {
        { (byte)255, 255 }, { (sbyte)-128, -128 }, { ushort.MaxValue, 65535 }, { short.MinValue, -32768 },
        { (uint)int.MaxValue, int.MaxValue }, { int.MinValue, int.MinValue },
        { (ulong)int.MaxValue, int.MaxValue }, { (long)int.MinValue, int.MinValue },
    };

    public static TheoryData<object> OtherThanIntegers => [uint.MaxValue, 1u << 31, 1ul << 31, ulong.MaxValue, 1L << 31, int.MinValue - 1L, 1f, 1.0, true, "1", new int[1]];

    [Theory]
    [MemberData(nameof(FittingIntegers))]
    public void IntegersOfAnyWidthThatFit(object value, int expected)
    {
        GgufMetadata metadata = Of(value);
        Assert.Equal(expected, metadata.GetInt32("k"));
        Assert.Equal(expected, metadata.GetInt32("k", fallback: 7));
        Array array = Array.CreateInstance(value.GetType(), 2);
        array.SetValue(value, 1);
        Assert.Equal([0, expected], Of(array).GetInt32s("k")!);
    }

    [Theory]
    [MemberData(nameof(OtherThanIntegers))]
    public void OtherThanIntegersAreRefused(object value)
    {
        AssertFault(() => Of(value).GetInt32("k"));
        AssertFault(() => Of(value).GetInt32("k", fallback: 7));
        if (value is not Array)
        {
            Array array = Array.CreateInstance(value.GetType(), 1);
            array.SetValue(value, 0);
            AssertFault(() => Of(array).GetInt32s("k"));
        }
    }

    [Fact]
    public void Floats()
    {
        Assert.Equal(0.1f, Of(0.1f).GetSingle("k"));
        Assert.Equal(0.1f, Of(0.1).GetSingle("k", fallback: 7));
        Assert.Equal(float.PositiveInfinity, Of(double.PositiveInfinity).GetSingle("k"));
        Assert.Equal([1f, 2f], Of(new[] { 1f, 2f }).GetSingles("k")!);
        Assert.Equal([1f, 2f], Of(new[] { 1.0, 2.0 }).GetSingles("k")!);
        AssertFault(() => Of(1e39).GetSingle("k"));
        AssertFault(() => Of(new[] { -1e39 }).GetSingles("k"));
        AssertFault(() => Of(1).GetSingle("k"));
        AssertFault(() => Of("1").GetSingle("k", fallback: 7));
        AssertFault(() => Of(new int[1]).GetSingles("k"));
    }

    [Fact]
    public void TextsAndBooleans()
    {
        Assert.Equal("a", Of("a").GetString("k"));
        Assert.True(Of("a").TryGetString("k", out string? text));
        Assert.Equal("a", text);
        Assert.Equal(["a", "b"], Of(new[] { "a", "b" }).GetStrings("k")!);
        Assert.True(Of(true).GetBoolean("k", fallback: false));
        Assert.False(Of(false).GetBoolean("k", fallback: true));
        AssertFault(() => Of(1).GetString("k"));
        AssertFault(() => Of(1).TryGetString("k", out _));
        AssertFault(() => Of("a").GetStrings("k"));
        AssertFault(() => Of(1).GetBoolean("k", fallback: true));
    }

    [Fact]
    public void MissingKeys()
    {
        GgufMetadata metadata = Of(1);
        Assert.False(metadata.Contains("none"));
        Assert.Equal(-1, metadata.OffsetOf("none"));
        Assert.Equal(7, metadata.GetInt32("none", fallback: 7));
        Assert.Equal(7f, metadata.GetSingle("none", fallback: 7));
        Assert.True(metadata.GetBoolean("none", fallback: true));
        Assert.False(metadata.TryGetString("none", out _));
        Assert.Null(metadata.GetStrings("none"));
        Assert.Null(metadata.GetInt32s("none"));
        Assert.Null(metadata.GetSingles("none"));
        AssertFault(() => metadata.GetInt32("none"), "none");
        AssertFault(() => metadata.GetSingle("none"), "none");
        AssertFault(() => metadata.GetString("none"), "none");
    }

    [Fact]
    public void FaultNamesFileAndPlace()
    {
        GgufHeader header = GgufHeader.Read(new MemoryStream(RawGguf.Vector), 192, "v.gguf");
        GgufFormatException fault = Assert.Throws<GgufFormatException>(() => header.Metadata.GetInt32("a.b"));
        Assert.Equal(("v.gguf", "a.b", 68L), (fault.File, fault.Field, fault.Offset));
        Assert.Contains("u32[3]", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EntriesKeepOrderAndShowTheirTypes()
    {
        GgufMetadata metadata = RawGguf.Read(RawGguf.Vector).Metadata;
        Assert.Equal(["general.architecture (str) = test", "a.b (u32[3]) = [1, 2, 3]"], metadata.Entries.Select(entry => entry.ToString()));
        Assert.Equal(GgufValueType.Array, metadata.Entries[1].Type);
        Assert.Equal(GgufValueType.U32, metadata.Entries[1].ElementType);
        Assert.Null(metadata.Entries[0].ElementType);
    }

    [Fact]
    public void DisplayTextIsOneShortLine()
    {
        Assert.Equal("a\\nb\\u001b...", new GgufEntry("k", "a\nb\ecde").ToDisplayText(maxCharacters: 4));
        Assert.Equal("[1, 2, ...]", new GgufEntry("k", new byte[] { 1, 2, 3 }).ToDisplayText(maxElements: 2));
        Assert.Equal("[1, 2]", new GgufEntry("k", new byte[] { 1, 2 }).ToDisplayText(maxElements: 2));
        Assert.Equal("true", new GgufEntry("k", true).ToDisplayText());
        Assert.Equal("1.5", new GgufEntry("k", 1.5).ToDisplayText());
    }

    [Fact]
    public void OtherValuesHaveNoForm()
    {
        Assert.Throws<ArgumentException>(() => new GgufEntry("k", 1m));
        Assert.Throws<ArgumentException>(() => new GgufEntry("k", DayOfWeek.Friday));
        Assert.Throws<ArgumentException>(() => new GgufEntry("k", new int[1, 1]));
        Assert.Throws<ArgumentException>(() => new GgufEntry("k", new int[1][]));
        Assert.Throws<ArgumentException>(() => new GgufMetadata([new("k", 1), new("k", 2)]));
    }

    private static GgufMetadata Of(object value) => new([new GgufEntry("k", value)]);

    private static void AssertFault(Action action, string field = "k") => Assert.Equal(field, Assert.Throws<GgufFormatException>(action).Field);
}
