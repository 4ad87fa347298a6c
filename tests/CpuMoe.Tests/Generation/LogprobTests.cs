using CpuMoe.Generation;

namespace CpuMoe.Tests.Generation;

public class LogprobTests
{
    private static readonly int[] Prompt = [5, 6, 7, 8];

    [Fact]
    public void ProbabilitiesAreThoseOfTheModelWhateverTheSamplerDoes()
    {
        int count = ScriptedModel.Tokenizer.Vocabulary.Count;
        double sum = Math.Log(Math.Exp(5) + Math.Exp(4) + ((count - 2) * Math.Exp(-5)));
        using Session session = new ScriptedModel { Next = _ => 100, Padding = 3 }.CreateSession();
        GenerationOptions options = new() { MaxTokens = 3, Logprobs = 3, Sampling = SamplerOptions.Greedy with { LogitBias = new Dictionary<int, float> { [100] = float.NegativeInfinity, [7] = 50 } } };
        foreach (GenerationUpdate update in session.Generate(Prompt, options, TestContext.Current.CancellationToken))
        {
            TokenLogprobs logprobs = update.Logprobs!;
            Assert.Equal(7, update.TokenId);
            AssertNear((7, -5 - sum), logprobs.Chosen);
            Assert.Equal([100, 101, 0], logprobs.Top.Select(top => top.TokenId));
            AssertNear((100, 5 - sum), logprobs.Top[0]);
            AssertNear((101, 4 - sum), logprobs.Top[1]);
            AssertNear((0, -5 - sum), logprobs.Top[2]);
        }
    }

    [Fact]
    public void NoneAreReportedUnlessAskedFor()
    {
        using Session session = new ScriptedModel { Next = _ => 100 }.CreateSession();
        GenerationOptions options = new() { MaxTokens = 1, Sampling = SamplerOptions.Greedy };
        Assert.Null(session.Generate(Prompt, options, TestContext.Current.CancellationToken).First().Logprobs);
        TokenLogprobs none = session.Generate(Prompt, options with { Logprobs = 0 }, TestContext.Current.CancellationToken).First().Logprobs!;
        Assert.Equal((100, 0), (none.Chosen.TokenId, none.Top.Count));
        Assert.Throws<ArgumentException>(() => session.Generate(Prompt, options with { Logprobs = -1 }, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void TheStopStringThatEndedTheTextIsNamed()
    {
        using Session session = new ScriptedModel { Next = _ => ScriptedModel.Tokenizer.Encode("a", parseSpecial: false)[0] }.CreateSession();
        GenerationOptions options = new() { MaxTokens = 9, Sampling = SamplerOptions.Greedy, StopStrings = ["b", "aaaa", "aaa"] };
        List<GenerationUpdate> updates = [.. session.Generate(Prompt, options, TestContext.Current.CancellationToken)];
        Assert.Equal("aaa", updates[^1].StopString);
        Assert.All(updates.SkipLast(1), update => Assert.Null(update.StopString));
        Assert.Null(session.Generate(Prompt, options with { StopStrings = ["b"] }, TestContext.Current.CancellationToken).Last().StopString);
    }

    private static void AssertNear((int Id, double Logprob) expected, TokenLogprob actual)
    {
        Assert.Equal(expected.Id, actual.TokenId);
        Assert.Equal(expected.Logprob, actual.Logprob, 1e-4);
    }
}
