using System.Text;
using CpuMoe.Text;

namespace CpuMoe.Tests.Text;

public class StreamingDetokenizerTests
{
    private static readonly Tokenizer Bytes = Tokenizers.ByteLevel("glm4", [], ("<c>", TokenKind.Control));

    [Theory]
    [InlineData("F0 9F A6 99", "", "", "", "🦙", "")]
    [InlineData("41 C3 A9", "A", "", "é", "")]
    [InlineData("E2 82", "", "", "\uFFFD")]
    [InlineData("E2 82 41", "", "", "\uFFFDA", "")]
    [InlineData("80", "\uFFFD", "")]
    [InlineData("F0 80", "", "\uFFFD\uFFFD", "")]
    [InlineData("C0 AF", "\uFFFD", "\uFFFD", "")]
    [InlineData("ED A0 80", "", "\uFFFD\uFFFD", "\uFFFD", "")]
    [InlineData("F0 9F A6 C3 A9", "", "", "", "\uFFFD", "é", "")]
    public void EmitsWhatIsCompleteAndFlushesTheRest(string hex, params string[] texts)
    {
        var stream = new StreamingDetokenizer(Bytes);
        List<string> emitted = [.. Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)).Select(b => stream.Append(Id(b)))];
        emitted.Add(stream.Flush());
        Assert.Equal(texts, emitted);
    }

    [Fact]
    public void ControlTokensStandForNothingUnlessShown()
    {
        int control = Bytes.Vocabulary.Find("<c>");
        var hidden = new StreamingDetokenizer(Bytes);
        Assert.Equal(["", "", "é"], new[] { Id(0xC3), control, Id(0xA9) }.Select(hidden.Append));
        var shown = new StreamingDetokenizer(Bytes, showControl: true);
        Assert.Equal("<c>", shown.Append(control));
    }

    [Fact]
    public void AFlushBeginsANewStream()
    {
        var stream = new StreamingDetokenizer(Bytes);
        Assert.Equal("", stream.Append(Id(0xC3)));
        Assert.Equal("\uFFFD", stream.Flush());
        Assert.Equal("\uFFFD", stream.Append(Id(0xA9)));
        Assert.Equal("", stream.Flush());
    }

    [Fact]
    public void TheStreamIsTheDecodedWhole()
    {
        // Bytes that begin, continue or break characters, so that every kind of ill-formed part occurs.
        byte[] alphabet = [0x41, 0x80, 0xA0, 0xBF, 0x9F, 0xC2, 0xC0, 0xE0, 0xE2, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF];
        var random = new Random(7);
        for (int i = 0; i < 3000; i++)
        {
            int[] ids = [.. Enumerable.Range(0, random.Next(1, 20)).Select(_ => Id(alphabet[random.Next(alphabet.Length)]))];
            AssertStreams(Bytes, ids);
        }

        for (int i = 0; i < 200; i++)
        {
            AssertStreams(Tokenizers.Demo, [.. Enumerable.Range(0, 50).Select(_ => random.Next(Tokenizers.Demo.Vocabulary.Count))]);
        }
    }

    [Fact]
    public void EmptyOutputAllocatesNothing()
    {
        var stream = new StreamingDetokenizer(Bytes);
        int control = Bytes.Vocabulary.Find("<c>");
        stream.Append(control);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            stream.Append(control);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static void AssertStreams(Tokenizer tokenizer, int[] ids)
    {
        var stream = new StreamingDetokenizer(tokenizer);
        var text = new StringBuilder();
        foreach (int id in ids)
        {
            text.Append(stream.Append(id));
            Assert.DoesNotContain(text.ToString()[^Math.Min(1, text.Length)..], char.IsHighSurrogate);
        }

        text.Append(stream.Flush());
        Assert.Equal(tokenizer.Decode(ids), text.ToString());
    }

    private static int Id(byte value) => Bytes.Vocabulary.Find(ByteLevelAlphabet.CharOf(value).ToString());
}
