using CpuMoe.Generation;
using CpuMoe.Grammars;

namespace CpuMoe.Tests.Generation;

public class ThoughtBudgetTests
{
    private static readonly GenerationOptions Greedy = new() { Sampling = SamplerOptions.Greedy, MaxTokens = 12 };
    private static readonly int[] Prompt = [5, 6, 7, 8];

    private static int Think => ScriptedModel.Tokenizer.Vocabulary.Find("<think>");

    private static int EndOfThought => ScriptedModel.Tokenizer.Vocabulary.Find("</think>");

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    public void AThoughtIsClosedWhenItsTokensAreSpent(int most)
    {
        Assert.Equal([.. Enumerable.Repeat(100, most), 200, 201, .. Enumerable.Repeat(100, 10 - most)], Run(_ => 100, new ThoughtBudget(most, true, [], [200, 201])));
    }

    [Fact]
    public void TheBudgetBeginsWithTheOpening()
    {
        int[] script = [100, 50, 100, 50, 51, 100, 100, 100, 100, 100, 100, 100];
        Assert.Equal([100, 50, 100, 50, 51, 100, 100, 200, 100, 100, 100, 100], Run(cached => script[cached.Count - Prompt.Length], new ThoughtBudget(2, false, [50, 51], [200])));
    }

    [Fact]
    public void AThoughtThatClosesItselfIsLeftAlone()
    {
        int[] script = [1, 200, 200, 201, 1, 1, 1, 1, 1, 1, 1, 1];
        Assert.Equal(script, Run(cached => script[cached.Count - Prompt.Length], new ThoughtBudget(4, true, [], [200, 201])));
    }

    [Fact]
    public void AClosingThatHasBegunIsOnlyCompleted()
    {
        int[] script = [1, 1, 200, 1, 1, 1, 1, 1, 1, 1, 1, 1];
        Assert.Equal([1, 1, 200, 201, 1, 1, 1, 1, 1, 1, 1, 1], Run(cached => script[cached.Count - Prompt.Length], new ThoughtBudget(3, true, [], [200, 201])));
    }

    [Fact]
    public void AGrammarGoesOnBehindTheThought()
    {
        int[] letters = [.. ScriptedModel.Tokenizer.Encode("hmm", parseSpecial: false)];
        using Session session = new ScriptedModel { Next = cached => letters[cached.Count % letters.Length] }.CreateSession();
        GenerationOptions options = Greedy with
        {
            MaxTokens = 40,
            Grammar = Grammar.FromChoices("yes", "no").AsAnswer(Thought.Open),
            ThoughtBudget = new ThoughtBudget(6, true, [Think], [EndOfThought]),
        };
        List<GenerationUpdate> updates = [.. session.Generate(Prompt, options, TestContext.Current.CancellationToken)];
        Assert.Equal(6, updates.FindIndex(update => update.TokenId == EndOfThought));
        Assert.Equal(FinishReason.Stop, updates[^1].FinishReason);
        Assert.Contains(string.Concat(updates.Skip(7).Select(update => update.Text)).Trim('\n'), (string[])["yes", "no"]);
    }

    [Fact]
    public void AGrammarMayPutTheClosingOff()
    {
        // In the middle of a character the thought cannot end.
        int[] emoji = [.. ScriptedModel.Tokenizer.Encode("😀", parseSpecial: false)];
        Assert.True(emoji.Length > 1);
        using Session session = new ScriptedModel { Next = cached => emoji[(cached.Count - Prompt.Length) % emoji.Length] }.CreateSession();
        GenerationOptions options = Greedy with
        {
            MaxTokens = 40,
            Grammar = Grammar.FromChoices("yes").AsAnswer(Thought.Open),
            ThoughtBudget = new ThoughtBudget(1, true, [Think], [EndOfThought]),
        };
        List<GenerationUpdate> updates = [.. session.Generate(Prompt, options, TestContext.Current.CancellationToken)];
        Assert.Equal(emoji.Length, updates.FindIndex(update => update.TokenId == EndOfThought));
        Assert.StartsWith("😀", string.Concat(updates.Select(update => update.Text)), StringComparison.Ordinal);
        Assert.Equal(FinishReason.Stop, updates[^1].FinishReason);
    }

    private static List<int> Run(Func<List<int>, int> next, ThoughtBudget budget)
    {
        using Session session = new ScriptedModel { Next = next }.CreateSession();
        return [.. session.Generate(Prompt, Greedy with { ThoughtBudget = budget }, TestContext.Current.CancellationToken).Select(update => update.TokenId)];
    }
}
