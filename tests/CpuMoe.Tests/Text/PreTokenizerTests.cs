using CpuMoe.Text.PreTokenization;

namespace CpuMoe.Tests.Text;

/// <summary>Splits worked out by hand from the published patterns; pieces are separated by '|'.</summary>
public class PreTokenizerTests
{
    [Theory]
    [InlineData("Hello world", "Hello| world")]
    [InlineData("  Hello", " | Hello")]
    [InlineData("Hello  ", "Hello|  ")]
    [InlineData("1234567 89", "123|456|7| |89")]
    [InlineData("I'm we'RE it'S they'Ll", "I|'m| we|'RE| it|'S| they|'Ll")]
    [InlineData("x'ſ", "x|'ſ")]
    [InlineData("'tis", "'t|is")]
    [InlineData("a\n\nb", "a|\n\n|b")]
    [InlineData("a \n \n  b", "a| \n \n| | b")]
    [InlineData("x;\r\n\r\ny", "x|;\r\n\r\n|y")]
    [InlineData("tab\tword", "tab|\tword")]
    [InlineData("\t\tword", "\t|\tword")]
    [InlineData("a!b", "a|!b")]
    [InlineData("a !! b", "a| !!| b")]
    [InlineData("日本語、テスト。", "日本語|、テスト|。")]
    [InlineData("𠀀𠀁a", "𠀀𠀁a")]
    [InlineData(" 🦙 𝟘𝟙𝟚𝟛", " 🦙| |𝟘𝟙𝟚|𝟛")]
    [InlineData("👍🏽ok", "👍🏽|ok")]
    [InlineData("e\u0301a", "e|\u0301a")]
    [InlineData("½Ⅷx", "½Ⅷ|x")]
    [InlineData("a\u00A0b\u3000\u3000c", "a|\u00A0b|\u3000|\u3000c")]
    [InlineData("a   ", "a|   ")]
    public void Glm4(string text, string pieces) => AssertSplit("glm4", text, pieces);

    [Theory]
    [InlineData("1234 5", "1|2|3|4| |5")]
    [InlineData("𝟘𝟙", "𝟘|𝟙")]
    [InlineData("it'S 日本!\n", "it|'S| 日本|!\n")]
    public void Qwen2(string text, string pieces) => AssertSplit("qwen2", text, pieces);

    [Theory]
    [InlineData("Hello 1234567!\n\n x", "Hello| 1234567|!|\n\n| x")]
    [InlineData("I'm it'S", "I|'m| it|'|S")]
    [InlineData("a\tb", "a|\t|b")]
    [InlineData("a  𠀀 🦙", "a| | 𠀀| 🦙")]
    public void Gpt2(string text, string pieces) => AssertSplit("gpt-2", text, pieces);

    [Theory]
    [InlineData("ab 123", "ab| |1|2|3")]
    [InlineData("x1 y", "x|1| y")]
    public void Starcoder(string text, string pieces) => AssertSplit("starcoder", text, pieces);

    [Theory]
    [InlineData("Hello\r\n\n world 123!", "Hello|\r|\n|\n| world| |123|!")]
    [InlineData("Ӂ  ab,  ", "Ӂ| | ab|,|  ")]
    [InlineData("日本go 語。", "日本|go| |語|。")]
    [InlineData("éab", "é|ab")]
    [InlineData("x\u3000.", "x|\u3000|.")]
    [InlineData("x\u3000日", "x|\u3000|日")]
    public void DeepSeek(string text, string pieces) => AssertSplit("deepseek-llm", text, pieces);

    [Theory]
    [InlineData("glm4", "chatglm-bpe")]
    [InlineData("glm4", "llama-bpe")]
    [InlineData("llama-bpe", "llama3")]
    [InlineData("llama-bpe", "llama-v3")]
    public void SameSplit(string name, string alias)
    {
        var random = new Random(1);
        for (int i = 0; i < 50; i++)
        {
            string text = Tokenizers.RandomText(random, 60);
            Assert.Equal(PreTokenizer.Find(name)!.Split(text), PreTokenizer.Find(alias)!.Split(text));
        }
    }

    [Fact]
    public void EveryNameOfTheMessageIsKnown()
        => Assert.All(PreTokenizer.Names.Split(", "), name => Assert.NotNull(PreTokenizer.Find(name)));

    [Fact]
    public void IllFormedTextIsCovered()
    {
        string text = "a\uD800 \uDC00\uDC00b\uD83D";
        foreach (string name in PreTokenizer.Names.Split(", "))
        {
            List<int> ends = PreTokenizer.Find(name)!.Split(text);
            Assert.Equal(text.Length, ends[^1]);
            Assert.Equal(ends.Distinct().Order(), ends);
        }
    }

    private static void AssertSplit(string name, string text, string pieces)
    {
        List<string> split = [];
        int start = 0;
        foreach (int end in PreTokenizer.Find(name)!.Split(text))
        {
            split.Add(text[start..end]);
            start = end;
        }

        Assert.Equal(pieces.Split('|'), split);
    }
}
