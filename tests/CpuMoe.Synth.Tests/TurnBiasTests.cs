using CpuMoe.Generation;
using CpuMoe.Models;

namespace CpuMoe.Synth.Tests;

/// <summary>Models whose logits are biased to letters and the end of the turn.</summary>
public sealed class TurnBiasTests : IDisposable
{
    private const int Length = 30;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cpumoe-synth-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("f16")]
    [InlineData("q8_0")]
    [InlineData("q4_k_m")]
    [InlineData("q2_k")]
    public void Turns_are_letters_and_end_by_themselves(string mix)
    {
        const int Turns = 60;
        using LanguageModel model = Load(mix);
        using Session session = model.CreateSession(new SessionOptions { ContextLength = 1024 });
        int[] prompt = model.Tokenizer.Encode("[gMASK]<sop><|user|>\nhello world<|assistant|>\n", parseSpecial: true);
        int tokens = 0;
        for (int turn = 0; turn < Turns; turn++)
        {
            // Without limits of the choice: it is the bias alone that keeps other tokens away.
            SamplerOptions sampling = new() { Temperature = 1, TopK = 0, TopP = 1, MinP = 0, Seed = (ulong)turn };
            string text = "";
            FinishReason reason = FinishReason.None;
            foreach (GenerationUpdate update in session.Generate(prompt, new GenerationOptions { Sampling = sampling }))
            {
                text += update.Text;
                tokens++;
                reason = update.FinishReason;
            }

            Assert.Equal(FinishReason.Stop, reason);
            Assert.All(text, character => Assert.True(character is ' ' or (>= 'a' and <= 'z'), $"'{text}'"));
        }

        // The mean of 60 geometric lengths is within a third of theirs; what the bias is in logits is known to a tenth or so.
        TestContext.Current.TestOutputHelper?.WriteLine($"{(double)tokens / Turns:0.0} tokens per turn");
        Assert.InRange((double)tokens / Turns, Length / 2.0, Length * 2.0);
    }

    [Theory]
    [InlineData("f16")]
    [InlineData("q4_k_m")]
    public void Nothing_but_the_bias_is_the_same_for_all_tokens(string mix)
    {
        const int Tokens = 200;

        // The end of the turn is as much likelier than letters behind every prompt, and letters are as random as ever.
        using LanguageModel model = Load(mix);
        TurnBias bias = new(ModelShape.Tiny.Vocabulary, Length);
        int words = ModelShape.Tiny.Vocabulary.SpecialStart - SyntheticVocabulary.ByteTokens;
        float expected = MathF.Log((float)words / Length) + 0.5f;
        List<float> ends = [];
        using KvCache cache = model.Model.CreateCache(Tokens, KvType.F16);
        float[] rows = new float[Tokens * model.Model.VocabularySize];
        model.Model.Forward([.. Enumerable.Range(300, Tokens)], cache, rows);
        foreach (float[] logits in rows.Chunk(model.Model.VocabularySize))
        {
            float[] ofWords = logits[SyntheticVocabulary.ByteTokens..][..words];
            float mean = ofWords.Average();
            Assert.InRange(mean, -0.3f, 0.3f);
            Assert.InRange(MathF.Sqrt(ofWords.Average(logit => (logit - mean) * (logit - mean))), 0.6f, 1.4f);
            ends.Add(logits[bias.EndToken] - mean);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"bias {ends.Average():0.00} ({ends.Min():0.00} to {ends.Max():0.00}), {expected:0.00} expected");
        Assert.InRange(ends.Average(), expected - 0.3f, expected + 0.3f);
        Assert.All(ends, end => Assert.InRange(end, expected - 1, expected + 1));
    }

    [Fact]
    public void Other_shapes_have_an_end_of_turn_too()
    {
        Assert.Equal(151336, new TurnBias(ModelShape.Glm45Air.Vocabulary, Length).EndToken);
        Assert.Equal(151645, new TurnBias(ModelShape.Qwen3.Vocabulary, Length).EndToken);
    }

    private LanguageModel Load(string mix)
    {
        string path = Path.Combine(_folder.FullName, "model.gguf");
        new ModelWriter(new ModelPlan(ModelShape.Tiny, ModelPlanTests.Mix(mix), turns: new TurnBias(ModelShape.Tiny.Vocabulary, Length)), seed: 1, skew: 0).Write(path);
        return LanguageModel.Load(path, new ModelOptions { Threads = 2 });
    }
}
