using System.Diagnostics;
using CpuMoe.Text;

namespace CpuMoe.Tests.Text;

public class SentencePieceTests
{
    private static readonly string[] Tokens = ["<unk>", "<s>", "<", "s", ">", "<s", "\u2581", "a", "aa", "\u2581a", "aaaa", "b", "ab"];

    [Theory]
    [InlineData("a", "\u2581a")]
    [InlineData("aa", "\u2581 aa")]
    [InlineData("ab", "\u2581a b")]
    [InlineData("bab", "\u2581 b ab")]
    [InlineData("baaa", "\u2581 b aa a")]
    [InlineData("b a", "\u2581 b \u2581a")]
    [InlineData("bé", "\u2581 b <0xC3> <0xA9>")]
    [InlineData("", "")]
    public void TheHighestScoreMergesFirst(string text, string tokens)
        => Assert.Equal(tokens, Texts(Create(), text, parseSpecial: false));

    [Fact]
    public void LoneSurrogatesAreReplaced()
        => Assert.Equal("\u2581 b <0xEF> <0xBF> <0xBD>", Texts(Create(), "b\uD800", parseSpecial: false));

    [Fact]
    public void PlainTextMakesNoControlToken()
    {
        Assert.Equal("\u2581 <s >", Texts(Create(), "<s>", parseSpecial: false));
        Assert.Equal("<s> \u2581 b <s> \u2581a", Texts(Create(), "<s>b<s>a", parseSpecial: true));
        Assert.Equal("\u2581 < <0x30> <0x78> <0x34> <0x31> >", Texts(Create(), "<0x41>", parseSpecial: true));
    }

    [Fact]
    public void TheSpacePrefixIsAChoiceOfTheModel()
        => Assert.Equal("a \u2581a", Texts(Create(("tokenizer.ggml.add_space_prefix", false)), "a a", parseSpecial: false));

    [Fact]
    public void WithoutByteTokensTheUnknownTokenStands()
    {
        Tokenizer tokenizer = Create(bytes: false);
        Assert.Equal("\u2581 b <unk> b", Texts(tokenizer, "béb", parseSpecial: false));
    }

    [Fact]
    public void DecodesSpacesAndBytes()
    {
        Tokenizer tokenizer = Create();
        Assert.Equal(" b é a\n", tokenizer.Decode(tokenizer.Encode("b é a\n", parseSpecial: false)));
    }

    [Fact]
    public void ATextOfAMillionLettersIsNoAttack()
    {
        Tokenizer tokenizer = Create();
        var clock = Stopwatch.StartNew();
        Assert.Equal(250_001, tokenizer.Encode("b" + new string('a', 999_996), parseSpecial: false).Length);
        Assert.True(clock.Elapsed < Tokenizers.Patience, $"{clock.Elapsed}");
    }

    private static Tokenizer Create(params (string Key, object Value)[] more) => Create(true, more);

    private static Tokenizer Create(bool bytes, params (string Key, object Value)[] more)
    {
        string[] byteTokens = bytes ? [.. Enumerable.Range(0, 256).Select(b => $"<0x{b:X2}>")] : [];
        float[] scores = [0, 0, 0, 0, 0, -9, 0, 0, -2, -2.5f, -4, 0, -3];
        int[] kinds = [2, 3, .. Enumerable.Repeat(1, Tokens.Length - 2), .. byteTokens.Select(_ => 6)];
        return Tokenizer.FromGguf(Tokenizers.Metadata([
            ("tokenizer.ggml.model", "llama"),
            ("tokenizer.ggml.tokens", Tokens.Concat(byteTokens).ToArray()),
            ("tokenizer.ggml.scores", scores.Concat(byteTokens.Select(_ => 0f)).ToArray()),
            ("tokenizer.ggml.token_type", kinds),
            ("tokenizer.ggml.unknown_token_id", 0),
            .. more]));
    }

    private static string Texts(Tokenizer tokenizer, string text, bool parseSpecial)
        => string.Join(' ', tokenizer.Encode(text, parseSpecial).Select(tokenizer.Vocabulary.TextOf));
}
