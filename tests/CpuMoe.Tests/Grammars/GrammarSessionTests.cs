using CpuMoe.Chat;
using CpuMoe.Generation;
using CpuMoe.Grammars;
using CpuMoe.Testing;
using CpuMoe.Tests.Generation;

namespace CpuMoe.Tests.Grammars;

/// <summary>Grammars in sessions: on a scripted model and on the bundled one.</summary>
public class GrammarSessionTests
{
    private const string City = """{"type":"object","properties":{"city":{"type":"string","maxLength":24},"sure":{"type":"boolean"}},"required":["city","sure"]}""";

    private static readonly GenerationOptions Greedy = new() { Sampling = SamplerOptions.Greedy, MaxTokens = 200 };

    [Fact]
    public void TheTextFollowsTheGrammarAndEndsWithIt()
    {
        using Session session = new ScriptedModel().CreateSession(400);
        for (ulong seed = 0; seed < 40; seed++)
        {
            GenerationOptions options = new() { MaxTokens = 200, Sampling = new SamplerOptions { Seed = seed, Temperature = 2 }, Grammar = Grammar.FromJsonSchema(City) };
            List<GenerationUpdate> updates = [.. session.Generate(new[] { 5, 6 }, options)];
            string text = string.Concat(updates.Select(update => update.Text));
            Assert.Equal(FinishReason.Stop, updates[^1].FinishReason);
            Assert.True(SchemaValidator.IsValid(City, text), text);
        }
    }

    [Fact]
    public void TheTokenLimitCutsTheText()
    {
        using Session session = new ScriptedModel().CreateSession(100);
        List<GenerationUpdate> updates = [.. session.Generate(new[] { 5 }, Greedy with { MaxTokens = 3, Grammar = Grammar.FromJsonSchema(City) })];
        Assert.Equal((3, FinishReason.Length), (updates.Count, updates[^1].FinishReason));
    }

    [Fact]
    public void ATokenThatEndsTheGenerationIsChosenWhereTheTextMayEnd()
    {
        int end = ScriptedModel.Tokenizer.Vocabulary.EndOfGeneration.First();
        using Session session = new ScriptedModel { Next = _ => end }.CreateSession(100);
        List<GenerationUpdate> updates = [.. session.Generate(new[] { 5 }, Greedy with { Grammar = Grammar.FromGbnf("root ::= \"abc\" .*") })];
        Assert.Equal("abc", string.Concat(updates.Select(update => update.Text)));
        Assert.Equal((end, FinishReason.Stop), (updates[^1].TokenId, updates[^1].FinishReason));
    }

    [Fact]
    public void AnEndTokenEndsAlsoWhereSuchTokensAreIgnored()
    {
        int end = ScriptedModel.Tokenizer.Vocabulary.EndOfGeneration.First();
        using Session session = new ScriptedModel { Next = _ => end }.CreateSession(100);
        List<GenerationUpdate> updates = [.. session.Generate(new[] { 5 }, Greedy with { IgnoreEndOfGeneration = true, Grammar = Grammar.FromGbnf("root ::= \"abc\" .*") })];
        Assert.Equal(FinishReason.Stop, updates[^1].FinishReason);
    }

    [Fact]
    public void AGrammarThatCannotBeUsedIsRefusedAtOnce()
    {
        using Session session = new ScriptedModel().CreateSession(100);
        Assert.Throws<GrammarException>(() => session.Generate(new[] { 5 }, Greedy with { Grammar = Grammar.FromGbnf("root ::= root \"x\"") }));
    }

    [Fact]
    public void TheBundledModelAnswersInTheSchemaWithAndWithoutAThought()
    {
        using LanguageModel model = LanguageModel.Load(TestData.DemoModel, new() { Threads = 1 });
        using Session session = model.CreateSession();
        Grammar schema = Grammar.FromJsonSchema(City);
        string answer = Text(Run("<|user|>\nWhat is the capital of France?/nothink<|assistant|>\n<think></think>", schema.AsAnswer(Thought.None)));
        Assert.True(SchemaValidator.IsValid(City, answer), answer);

        string reply = Text(Run("<|user|>\nWhat is the capital of France?<|assistant|>", schema.AsAnswer(Thought.Possible)));
        Assert.StartsWith("\n<think>", reply, StringComparison.Ordinal);
        string[] parts = reply.Split("</think>");
        Assert.True(SchemaValidator.IsValid(City, parts[1]), reply);

        string rest = Text(Run("<|user|>\nWhat is the capital of France?<|assistant|>\n<think>", schema.AsAnswer(Thought.Open)));
        Assert.True(SchemaValidator.IsValid(City, rest.Split("</think>")[1]), rest);

        ToolDefinition tool = new("get_weather", null, """{"type":"object","properties":{"city":{"type":"string","maxLength":30}},"required":["city"]}""");
        string call = Text(Run("<|user|>\nWhat is the capital of France?<|assistant|>", ToolCallGrammar.Create([tool]).AsAnswer(Thought.Possible)));
        Assert.Matches("</think>\n{0,2}<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>[^<]*</arg_value>\n</tool_call>$", call);

        List<GenerationUpdate> Run(string prompt, Grammar grammar) =>
            [.. session.Generate(model.Tokenizer.Encode("[gMASK]<sop>" + prompt, parseSpecial: true), Greedy with { Grammar = grammar })];

        static string Text(List<GenerationUpdate> updates)
        {
            Assert.Equal(FinishReason.Stop, updates[^1].FinishReason);
            return string.Concat(updates.Select(update => update.Text));
        }
    }
}
