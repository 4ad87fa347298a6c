using System.Diagnostics;
using CpuMoe.Grammars;
using CpuMoe.Tests.Text;

namespace CpuMoe.Tests.Grammars;

/// <summary>Grammars made to take time or memory: each is answered, or refused with a clear error, in bounded time.</summary>
public class HostileGrammarTests
{
    public static TheoryData<string, string> Grammars => new()
    {
        { "ambiguous", "root ::= (\"a\" | \"aa\" | \"a\"*)* \"b\"" },
        { "exponentially many stacks", "root ::= t\nt ::= \"a\" x \"b\" | \"a\" y \"c\"\nx ::= t | \"\" | \" \" t\ny ::= t | \"\" | \" \" t" },
        { "cubic", "root ::= s\ns ::= [a-z] | [a-z] s s" },
        { "exponential determinization", "root ::= [a-z ]* \"e\" [a-z ]{200}" },
        { "exponential determinization, written out", $"root ::= [a-z ]* \"e\" {string.Concat(Enumerable.Repeat("[a-z ] ", 60))}" },
        { "nested counts", "root ::= (((([a-z]{1,1000}){1,1000} \" \"){1,1000})){1,1000}" },
        { "huge count", "root ::= (\"ab\" | \" \" [a-z]){999999,1000000}" },
        { "nested optional", $"root ::= {new string('(', 60)}\"a\"{string.Concat(Enumerable.Repeat(")?", 60))}" },
        { "nested stars", $"root ::= {new string('(', 60)}[a-z]{string.Concat(Enumerable.Repeat("*)", 60))} \"!\"" },
        { "long chain of rules", $"root ::= r0\n{string.Concat(Enumerable.Range(0, 20_000).Select(i => $"r{i} ::= r{i + 1}\n"))}r20000 ::= \"a\" root?" },
        { "long chain of empty rules", $"root ::= (r0)* \"x\"\n{string.Concat(Enumerable.Range(0, 20_000).Select(i => $"r{i} ::= r{i + 1}?\n"))}r20000 ::= \"a\"?" },
        { "many alternatives", $"root ::= {string.Join(" | ", Enumerable.Range(0, 20_000).Select(i => $"\"word{i * 7919} \""))}" },
        { "ambiguous counts", "root ::= (([a-z]{1,9} \" \"?){1,20} \"-\"?){1,900} \".\"" },
        { "deep nesting", "root ::= \"a\" root \"b\" | \"[\" root \"]\" | \"\"" },
    };

    [Theory]
    [MemberData(nameof(Grammars))]
    public void AnswersOrRefuses(string name, string gbnf)
    {
        long start = Stopwatch.GetTimestamp(), memory = GC.GetTotalMemory(forceFullCollection: true);
        try
        {
            Grammar grammar = Grammar.FromGbnf(gbnf);
            GrammarConstraint constraint = grammar.CreateConstraint(Tokenizers.Demo);
            Random random = new(1);
            for (int step = 0; step < 60 && !constraint.IsComplete; step++)
            {
                Assert.True(constraint.Accept(GrammarText.Choose(constraint, Tokenizers.Demo.Vocabulary.Count, random)));
            }

            Assert.True(GC.GetTotalMemory(forceFullCollection: true) - memory < 300L << 20, name);
            GC.KeepAlive(grammar);
        }
        catch (GrammarException fault)
        {
            Assert.Matches("too ambiguous|No text of at most|more than|goes on with", fault.Message);
        }

        Assert.True(Stopwatch.GetElapsedTime(start) < Tokenizers.Patience * 2, name);
    }

    [Fact]
    public void SchemasThatMultiplyAreRefused()
    {
        string alternatives = Numbered(20, """{"anyOf":[{"properties":{"a#":{"type":"integer"}}},{"properties":{"b#":{"type":"integer"}}}]}""");
        string schema = """{"type":"object","allOf":[""" + alternatives + "]}";
        Assert.Matches("more than [0-9]+ (steps|rules)", Assert.Throws<GrammarException>(() => Grammar.FromJsonSchema(schema)).Message);
    }

    [Fact]
    public void LongChainsOfReferencesAreRefused()
    {
        string definitions = Numbered(5000, """
            "d#":{"$ref":"#/$defs/d+"}
            """);
        string schema = """{"$ref":"#/$defs/d0","$defs":{"d5000":{"type":"null"},""" + definitions + "}}";
        Assert.Contains("references in a row", Assert.Throws<GrammarException>(() => Grammar.FromJsonSchema(schema)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LongChainsOfObjectsAreWritten()
    {
        string definitions = Numbered(3000, """
            "d#":{"type":"object","properties":{"x":{"$ref":"#/$defs/d+"}}}
            """);
        string schema = """{"$ref":"#/$defs/d0","$defs":{"d3000":{"type":"null"},""" + definitions + "}}";
        Assert.True(GrammarText.Matches(Grammar.FromJsonSchema(schema), """{"x":{"x":{}}}"""));
    }

    /// <summary>Copies of a text with their numbers for a letter or name before '#', and the next number for '+'.</summary>
    private static string Numbered(int count, string text) => string.Join(',', Enumerable.Range(0, count).Select(i => text
        .Replace("a#", $"a{i}", StringComparison.Ordinal).Replace("b#", $"b{i}", StringComparison.Ordinal)
        .Replace("d#", $"d{i}", StringComparison.Ordinal).Replace("d+", $"d{i + 1}", StringComparison.Ordinal)));
}
