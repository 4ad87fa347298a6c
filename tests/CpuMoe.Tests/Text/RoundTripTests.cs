using System.Text;
using CpuMoe.Text;
using FsCheck;
using FsCheck.Fluent;

namespace CpuMoe.Tests.Text;

public class RoundTripTests
{
    [Fact]
    public void EveryTextComesBack()
    {
        var random = new Random(11);
        for (int i = 0; i < 300; i++)
        {
            string text = Tokenizers.RandomText(random, random.Next(200));
            Assert.Equal(text, Tokenizers.Demo.Decode(Tokenizers.Demo.Encode(text, parseSpecial: false), showControl: true));
        }
    }

    [Fact]
    public void AnyUtf16ComesBackAsItsUtf8()
        => Prop.ForAll<string?>(text =>
        {
            string expected = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text ?? ""));
            return Tokenizers.Demo.Decode(Tokenizers.Demo.Encode(text ?? "", parseSpecial: true), showControl: true) == expected;
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("gpt-2", "")]
    [InlineData("deepseek-llm", "")]
    [InlineData("llama-spm", " ")]
    public void EveryTextComesBackFromKnownVocabularies(string name, string prefix)
    {
        Tokenizer tokenizer = Tokenizers.Golden(name);
        var random = new Random(12);
        for (int i = 0; i < 50; i++)
        {
            // SentencePiece writes spaces as U+2581, so that one character cannot come back.
            string text = "x" + Tokenizers.RandomText(random, 200).Replace('\u2581', '_');
            Assert.Equal(prefix + text, tokenizer.Decode(tokenizer.Encode(text, parseSpecial: false)));
        }
    }

    [Fact]
    public void LoneSurrogatesAreReplaced()
        => Assert.Equal("a\uFFFDb\uFFFD", Tokenizers.Demo.Decode(Tokenizers.Demo.Encode("a\uDC00b\uD800", parseSpecial: false)));

    [Fact]
    public void BytesWithoutATokenAreLeftOut()
    {
        // StarCoder's vocabulary has no token for the byte 0xF1, which only unassigned code points have.
        Tokenizer tokenizer = Tokenizers.Golden("starcoder");
        Assert.Equal(-1, tokenizer.Vocabulary.Find("\u00F1"));
        Assert.DoesNotContain(0, tokenizer.Encode("\U00040000", parseSpecial: false));
    }
}
