using System.Buffers;
using System.Diagnostics;
using System.Text;
using CpuMoe.Text;

namespace CpuMoe.Tests.Text;

public class SpecialTokensTests
{
    private static readonly Tokenizer Tiny = Tokenizers.ByteLevel(
        "glm4",
        ["h e"],
        ("<a>", TokenKind.Control),
        ("<a><b>", TokenKind.Control),
        ("b>xyz", TokenKind.UserDefined),
        ("<u>", TokenKind.UserDefined),
        ("<?>", TokenKind.Unknown),
        ("[PAD]", TokenKind.Unused));

    [Theory]
    [InlineData("<a>he<u>", "<a> he <u>")]
    [InlineData("<a><a><b>", "<a> <a><b>")]
    [InlineData("<a><b>xyz", "<a><b> x y z")]
    [InlineData("<<b>xyz", "< < b>xyz")]
    [InlineData("<a><a", "<a> < a")]
    [InlineData("<?>[PAD]", "<?> [ P A D ]")]
    [InlineData("", "")]
    public void TrustedText(string text, string tokens) => Assert.Equal(tokens, Texts(Tiny.Encode(text, parseSpecial: true)));

    [Theory]
    [InlineData("<a>he<u>", "< a > he <u>")]
    [InlineData("<a><b>xyz", "< a > < b>xyz")]
    [InlineData("<?>", "< ? >")]
    public void UntrustedText(string text, string tokens) => Assert.Equal(tokens, Texts(Tiny.Encode(text, parseSpecial: false)));

    [Fact]
    public void SegmentsAreOneText()
    {
        Assert.Equal("he", Texts(Tiny.Encode([new("h", true), new("e", false)])));
        Assert.Equal("<a>", Texts(Tiny.Encode([new("<", true), new("", false), new("a>", true)])));
        Assert.Equal("<u>", Texts(Tiny.Encode([new("<", false), new("u>", true)])));
        Assert.Equal("", Texts(Tiny.Encode([])));
        Assert.Equal("h", Texts(Tiny.Encode([default, new("h", false)])));
    }

    [Fact]
    public void UserTextCannotMakeOrCompleteAControlToken()
    {
        Assert.Equal("<a> < a > <a>", Texts(Tiny.Encode([new("<a>", true), new("<a>", false), new("<a>", true)])));
        Assert.Equal("< a >", Texts(Tiny.Encode([new("<a", false), new(">", true)])));
        Assert.Equal("< a >", Texts(Tiny.Encode([new("<", true), new("a", false), new(">", true)])));
        Assert.Equal("<a> < b >", Texts(Tiny.Encode([new("<a><", true), new("b>", false)])));
    }

    [Fact]
    public void AgreesWithTheDefinition()
    {
        string[] parts = ["<a>", "<a", "><b>", "b>xyz", "<u>", "<", ">", "x", "<?>", "he"];
        var random = new Random(3);
        for (int i = 0; i < 500; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => parts[random.Next(parts.Length)]));
            bool trusted = random.Next(2) == 0;
            Assert.Equal((text, Texts(Definition(text, trusted))), (text, Texts(Tiny.Encode(text, trusted))));
        }
    }

    [Fact]
    public void LongTextsTakeLinearTime()
    {
        var clock = Stopwatch.StartNew();
        Assert.Equal(200_000, Tiny.Encode(string.Concat(Enumerable.Repeat("<a>", 200_000)), parseSpecial: true).Length);
        Assert.Equal(600_000, Tiny.Encode(string.Concat(Enumerable.Repeat("<a>", 200_000)), parseSpecial: false).Length);
        Assert.Equal(600_000, Tiny.Encode(new string('<', 600_000), parseSpecial: true).Length);
        Assert.True(clock.Elapsed < Tokenizers.Patience, $"{clock.Elapsed}");
    }

    [Theory]
    [InlineData("<a>", "", "<a>")]
    [InlineData("<?>", "", "<?>")]
    [InlineData("<u>", "<u>", "<u>")]
    [InlineData("[PAD]", "", "")]
    [InlineData("he", "he", "he")]
    [InlineData("\u0120", " ", " ")]
    public void BytesOfEachKind(string token, string visible, string all)
    {
        int id = Tiny.Vocabulary.Find(token);
        Assert.Equal(visible, Tiny.Decode([id]));
        Assert.Equal(all, Tiny.Decode([id], showControl: true));
        var bytes = new ArrayBufferWriter<byte>();
        Tiny.AppendBytes(id, showControl: true, bytes);
        Assert.Equal(all, Encoding.UTF8.GetString(bytes.WrittenSpan));
    }

    [Fact]
    public void UnknownIdsAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Tiny.Decode([-1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Tiny.Decode([Tiny.Vocabulary.Count]));
    }

    private static string Texts(int[] ids) => string.Join(' ', ids.Select(Tiny.Vocabulary.TextOf));

    /// <summary>Token by token, the longest first: splits every remaining piece of text at its occurrences.</summary>
    private static int[] Definition(string text, bool trusted)
    {
        Vocabulary vocabulary = Tiny.Vocabulary;
        List<(string Text, int Id)> pieces = [(text, -1)];
        foreach (int id in Enumerable.Range(0, vocabulary.Count)
            .Where(id => vocabulary.KindOf(id) == TokenKind.UserDefined || (trusted && vocabulary.KindOf(id) is (TokenKind.Control or TokenKind.Unknown)))
            .OrderByDescending(id => vocabulary.TextOf(id).Length))
        {
            pieces = [.. pieces.SelectMany(piece => piece.Id >= 0
                ? [piece]
                : piece.Text.Split(vocabulary.TextOf(id)).SelectMany((part, i) => i == 0 ? new[] { (part, -1) } : [(vocabulary.TextOf(id), id), (part, -1)]))];
        }

        // What is left has no special token in it, whether trusted or not.
        return [.. pieces.SelectMany(piece => piece.Id >= 0 ? [piece.Id] : Tiny.Encode(piece.Text, parseSpecial: false))];
    }
}
