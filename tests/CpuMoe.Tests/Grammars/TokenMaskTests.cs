using CpuMoe.Grammars;
using CpuMoe.Grammars.Masks;
using CpuMoe.Tests.Text;
using CpuMoe.Text;

namespace CpuMoe.Tests.Grammars;

public class TokenMaskTests
{
    public static TheoryData<string> Schemas =>
    [
        """{"type":"object","properties":{"name":{"type":"string","minLength":2,"maxLength":9},"n":{"type":"integer","minimum":-5,"maximum":120}},"required":["name"]}""",
        """{"type":"array","items":{"enum":["red","green","blue",1,null]},"minItems":1,"maxItems":3}""",
        """{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"v":{"type":"number"},"c":{"type":"array","items":{"$ref":"#/$defs/n"}}}}}}""",
        "true",
    ];

    [Theory]
    [MemberData(nameof(Schemas))]
    public void AMaskHoldsExactlyTheTokensThatAreAccepted(string schema)
    {
        Tokenizer tokenizer = Tokenizers.Demo;
        Grammar grammar = Grammar.FromJsonSchema(schema);
        Random random = new(1);
        List<int> tokens = [];
        for (int step = 0; step < 25; step++)
        {
            GrammarConstraint constraint = Replay(grammar, tokenizer, tokens);
            if (constraint.IsComplete)
            {
                break;
            }

            float[] logits = new float[tokenizer.Vocabulary.Count];
            constraint.Allow(logits);
            for (int token = 0; token < logits.Length; token++)
            {
                bool expected = Replay(grammar, tokenizer, tokens).Accept(token);
                Assert.True(expected == (logits[token] == 0), $"token {token} after {tokenizer.Decode([.. tokens])}");
            }

            tokens.Add(GrammarText.Choose(constraint, logits.Length, random));
        }
    }

    [Fact]
    public void OnlyTheGrammarItselfLetsSpecialTokensIn()
    {
        Tokenizer tokenizer = Tokenizers.Demo;
        GrammarConstraint constraint = Grammar.FromGbnf("root ::= .* <tool_call>?").CreateConstraint(tokenizer);
        float[] logits = new float[tokenizer.Vocabulary.Count];
        constraint.Allow(logits);
        for (int token = 0; token < logits.Length; token++)
        {
            bool isSpecial = tokenizer.Vocabulary.KindOf(token) is TokenKind.Control or TokenKind.UserDefined or TokenKind.Unused or TokenKind.Unknown;
            bool isExpected = tokenizer.Vocabulary.EndOfGeneration.Contains(token) || tokenizer.Vocabulary.TextOf(token) == "<tool_call>";
            Assert.False(isSpecial && !isExpected && logits[token] == 0, tokenizer.Vocabulary.TextOf(token));
            Assert.False(isExpected && logits[token] != 0, tokenizer.Vocabulary.TextOf(token));
        }
    }

    [Fact]
    public void MasksAreSharedAndBounded()
    {
        // 5000 characters, but the count matters only near its ends.
        Tokenizer tokenizer = Tokenizers.Demo;
        Grammar grammar = Grammar.FromJsonSchema("""{"type":"string","minLength":2000,"maxLength":5000}""");
        TokenGrammar compiled = grammar.Compiled(tokenizer);
        GrammarConstraint constraint = grammar.CreateConstraint(tokenizer);
        float[] logits = new float[tokenizer.Vocabulary.Count];
        int letter = tokenizer.Vocabulary.Find("a");
        Assert.True(constraint.Accept(tokenizer.Vocabulary.Find("\"")));
        for (int i = 0; i < 4000; i++)
        {
            constraint.Allow(logits);
            Assert.True(constraint.Accept(letter));
        }

        Assert.InRange(compiled.MasksComputed, 2, 300);
    }

    [Fact]
    public void NothingIsAllocatedAtKnownPlaces()
    {
        Tokenizer tokenizer = Tokenizers.Demo;
        Grammar grammar = Grammar.FromJsonSchema("""{"type":"object","properties":{"text":{"type":"string"},"n":{"type":"integer"}},"required":["text","n"]}""");
        int[] tokens = tokenizer.Encode("""{"text": "Hello there, this is a text", "n": 12}""", parseSpecial: false);
        float[] logits = new float[tokenizer.Vocabulary.Count];
        Run(grammar.CreateConstraint(tokenizer));
        GrammarConstraint constraint = grammar.CreateConstraint(tokenizer);
        long before = GC.GetAllocatedBytesForCurrentThread();
        bool isComplete = Run(constraint);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.True(isComplete);
        Assert.Equal(0, allocated);

        bool Run(GrammarConstraint target)
        {
            foreach (int token in tokens)
            {
                target.Allow(logits);
                if (!target.Accept(token))
                {
                    return false;
                }
            }

            return target.IsComplete;
        }
    }

    [Fact]
    public void EndTokensComeWhereTheTextMayEnd()
    {
        Tokenizer tokenizer = Tokenizers.Demo;
        int end = tokenizer.Vocabulary.EndOfGeneration.First();
        GrammarConstraint constraint = Grammar.FromGbnf("root ::= \"ab\" \"c\"*").CreateConstraint(tokenizer);
        Assert.False(constraint.CanEnd);
        Assert.False(constraint.Accept(end));
        Assert.True(constraint.Accept(tokenizer.Vocabulary.Find("a")) && constraint.Accept(tokenizer.Vocabulary.Find("b")));
        Assert.Equal((true, false), (constraint.CanEnd, constraint.IsComplete));
        Assert.True(constraint.Accept(end));
        Assert.Equal((true, true), (constraint.CanEnd, constraint.IsComplete));
        Assert.False(constraint.Accept(tokenizer.Vocabulary.Find("c")));
        float[] logits = new float[tokenizer.Vocabulary.Count];
        constraint.Allow(logits);
        Assert.All(logits, logit => Assert.Equal(float.NegativeInfinity, logit));
    }

    [Fact]
    public void WrongArgumentsAreRefused()
    {
        GrammarConstraint constraint = Grammar.JsonObject.CreateConstraint(Tokenizers.Demo);
        Assert.Throws<ArgumentException>(() => constraint.Allow(new float[5]));
        Assert.Throws<ArgumentOutOfRangeException>(() => constraint.Accept(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => constraint.Accept(Tokenizers.Demo.Vocabulary.Count));
    }

    private static GrammarConstraint Replay(Grammar grammar, Tokenizer tokenizer, List<int> tokens)
    {
        GrammarConstraint constraint = grammar.CreateConstraint(tokenizer);
        Assert.True(tokens.All(constraint.Accept));
        return constraint;
    }
}
