using System.Text.Json;
using CpuMoe.Testing;
using CpuMoe.Text;

namespace CpuMoe.Tests.Text;

/// <summary>The ids other engines give to the same texts.</summary>
public class GoldenIdsTests
{
    [Theory]
    [InlineData("gpt-2")]
    [InlineData("deepseek-llm")]
    [InlineData("starcoder")]
    [InlineData("llama-spm")]
    public void VocabularyTestsOfLlamaCpp(string name)
    {
        Tokenizer tokenizer = Tokenizers.Golden(name);
        string[] texts = File.ReadAllText(Path.Combine(Tokenizers.GoldenFolder(), name + ".inp")).Split("\n__ggml_vocab_test__\n");
        string[] ids = File.ReadAllLines(Path.Combine(Tokenizers.GoldenFolder(), name + ".out"));

        // Nothing follows the last separator.
        Assert.Equal(ids.Length + 1, texts.Length);
        for (int i = 0; i < ids.Length; i++)
        {
            Assert.Equal((texts[i], ids[i].Trim()), (texts[i], string.Join(' ', tokenizer.Encode(texts[i], parseSpecial: false))));
        }
    }

    [Fact]
    public void PromptsOfTheDemoModel()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(TestData.DataFolder, "demo", "tokens.json")));
        Assert.NotEmpty(document.RootElement.EnumerateArray());
        foreach (JsonElement prompt in document.RootElement.EnumerateArray())
        {
            string text = prompt.GetProperty("text").GetString()!;
            int[] ids = [.. prompt.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
            Assert.Equal(ids, Tokenizers.Demo.Encode(text, parseSpecial: true));
            Assert.Equal(text, Tokenizers.Demo.Decode(ids, showControl: true));
        }
    }

    [Fact]
    public void TheDemoModelEndsWithItsThreeTokens()
    {
        Vocabulary vocabulary = Tokenizers.Demo.Vocabulary;
        int[] ends = [vocabulary.Find("<|endoftext|>"), vocabulary.Find("<|user|>"), vocabulary.Find("<|observation|>")];
        Assert.Equal(ends.Order(), vocabulary.EndOfGeneration.Order());
        Assert.Equal(vocabulary.Find("[gMASK]"), vocabulary.Bos);
        Assert.False(vocabulary.AddBos);
    }
}
