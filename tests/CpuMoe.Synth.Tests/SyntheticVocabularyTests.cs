using CpuMoe.Gguf;
using CpuMoe.Quantization;
using CpuMoe.Text;

namespace CpuMoe.Synth.Tests;

/// <summary>Vocabularies of real size, read by the engine, which checks that merges name tokens and texts are unique.</summary>
public class SyntheticVocabularyTests
{
    [Theory]
    [InlineData("glm-4.5-air", 151552)]
    [InlineData("qwen3-30b-a3b", 151936)]
    [InlineData("tiny", 1280)]
    public void TextsSurviveTheTokenizer(string shape, int size)
    {
        (GgufMetadata metadata, Tokenizer tokenizer) = Read(shape);

        Assert.Equal(size, metadata.GetStrings("tokenizer.ggml.tokens")!.Length);
        foreach (string text in (string[])["hello world, this is a test", "ÄÖ 你好 🙂\n\t x", "\0\u007f"])
        {
            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text, parseSpecial: false)));
        }

        // Merges apply.
        Assert.InRange(tokenizer.Encode("hello world", parseSpecial: false).Length, 3, 8);
    }

    [Fact]
    public void GlmSpecialTokensHaveTheirRealIds()
    {
        (GgufMetadata metadata, _) = Read("glm-4.5");
        string[] texts = metadata.GetStrings("tokenizer.ggml.tokens")!;
        int[] kinds = metadata.GetInt32s("tokenizer.ggml.token_type")!;

        foreach ((int id, string text, int kind) in ((int, string, int)[])
        [
            (151329, "<|endoftext|>", 3), (151331, "[gMASK]", 3), (151333, "<sop>", 3), (151335, "<|system|>", 3),
            (151336, "<|user|>", 3), (151337, "<|assistant|>", 3), (151338, "<|observation|>", 3), (151339, "<|begin_of_image|>", 3),
            (151347, "<|code_prefix|>", 3), (151350, "<think>", 4), (151351, "</think>", 4), (151360, "/nothink", 3),
            (151361, "<|begin_of_box|>", 3), (151364, "<|video|>", 3), (151365, "[PAD151365]", 5), (151551, "[PAD151551]", 5), (198, "Ċ", 1),
        ])
        {
            Assert.Equal((text, kind), (texts[id], kinds[id]));
        }

        Assert.Equal([151331, 151329, 151336, 151338], ((string[])["bos", "eos", "eot", "eom"]).Select(role => metadata.GetInt32($"tokenizer.ggml.{role}_token_id")));
    }

    [Fact]
    public void QwenSpecialTokensHaveTheirRealIds()
    {
        (GgufMetadata metadata, _) = Read("qwen3-30b-a3b");

        Assert.Equal(["<|endoftext|>", "<|im_start|>", "<|im_end|>"], metadata.GetStrings("tokenizer.ggml.tokens")![151643..151646]);
        Assert.Equal(151645, metadata.GetInt32("tokenizer.ggml.eos_token_id"));
    }

    private static (GgufMetadata Metadata, Tokenizer Tokenizer) Read(string shape)
    {
        ModelPlan plan = new(ModelShape.All.Single(candidate => candidate.Name == shape), QuantMix.All[0], 1);
        GgufMetadata metadata = new(ModelMetadata.Of(plan, seed: 0));
        return (metadata, Tokenizer.FromGguf(metadata));
    }
}
