using CpuMoe.Grammars;

namespace CpuMoe.Tests.Grammars;

public class GbnfTests
{
    private const string Json = """
        # JSON, as llama.cpp has it
        root   ::= object
        value  ::= object | array | string | number | ("true" | "false" | "null") ws

        object ::=
          "{" ws (
                    string ":" ws value
            ("," ws string ":" ws value)*
          )? "}" ws

        array  ::=
          "[" ws (
                    value
            ("," ws value)*
          )? "]" ws

        string ::=
          "\"" (
            [^"\\\x7F\x00-\x1F] |
            "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) # escapes
          )* "\"" ws

        number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
        ws ::= | " " | "\n" [ \t]{0,20}
        """;

    [Theory]
    [InlineData("""{"a": [1, -2.5e3, "x\u00e9\n", {}], "ü": true}""", true)]
    [InlineData("""{"a": }""", false)]
    [InlineData("""[1]""", false)]
    [InlineData("""{"a": 01}""", false)]
    [InlineData("{}\n  ", true)]
    public void TheJsonGrammarOfLlamaCpp(string text, bool matches) => Assert.Equal(matches, GrammarText.Matches(Grammar.FromGbnf(Json), text));

    [Theory]
    [InlineData("root ::= \"a\"{2,3}", new[] { "aa", "aaa" }, new[] { "a", "aaaa", "" })]
    [InlineData("root ::= \"a\"{2}", new[] { "aa" }, new[] { "a", "aaa" })]
    [InlineData("root ::= \"a\"{2,}", new[] { "aa", "aaaaaaa" }, new[] { "a" })]
    [InlineData("root ::= \"ab\"+ \"c\"? \"d\"*", new[] { "ab", "ababc", "abdd" }, new[] { "", "a", "abcc" })]
    [InlineData("root ::= [a-c^]", new[] { "a", "c", "^" }, new[] { "d", "" })]
    [InlineData("root ::= [^a\\n]", new[] { "b", "é", "🙂" }, new[] { "a", "\n", "bb" })]
    [InlineData("root ::= [à-ü🙂-🙏]+", new[] { "éü", "🙏" }, new[] { "z", "🤐", "\u00ff" })]
    [InlineData("root ::= . .", new[] { "ab", "é🙂", "\n\0" }, new[] { "a", "abc" })]
    [InlineData("root ::= [-a]|[b-]", new[] { "-", "a", "b" }, new[] { "c" })]
    [InlineData("root ::= \"\\x41\\u00e9\\U0001F642\\\"\\\\\"", new[] { "Aé🙂\"\\" }, new[] { "A" })]
    [InlineData("root ::= x-1 |\n  y\n | \"z\"\nx-1 ::= \"x\" # comment\ny ::= (\"y\"\n \"!\")", new[] { "x", "y!", "z" }, new[] { "y" })]
    [InlineData("root ::= \"a\" root \"b\" | ", new[] { "", "ab", "aaabbb" }, new[] { "aab", "ba" })]
    [InlineData("root ::= item (\",\" item)*\nitem ::= [0-9]+", new[] { "1", "1,22,3" }, new[] { "1,", "," })]
    [InlineData("root ::= (\"a\"?){3,5} \"!\"", new[] { "!", "a!", "aaaaa!" }, new[] { "aaaaaa!" })]
    [InlineData("root ::= (x y)* \"!\"\nx ::= \"x\"?\ny ::= \"y\"?", new[] { "!", "xyyxx!" }, new[] { "z!" })]
    [InlineData("root ::= ([a-z]{0,4} \"-\"?){2,40} \"!\"", new[] { "!", "abcd-ef-!" }, new[] { "A!" })]
    [InlineData("root ::= [ab]{1,200}", new[] { "abba" }, new[] { "" })]
    public void Texts(string gbnf, string[] matching, string[] others)
    {
        Grammar grammar = Grammar.FromGbnf(gbnf);
        Assert.All(matching, text => Assert.True(GrammarText.Matches(grammar, text), text));
        Assert.All(others, text => Assert.False(GrammarText.Matches(grammar, text), text));
    }

    [Theory]
    [InlineData(80)]
    [InlineData(100)]
    public void LongRepetitionsAreCounted(int count)
    {
        // "ab" stands for two positions each, so that the repetition is counted and not written out.
        Grammar grammar = Grammar.FromGbnf($"root ::= \"<\" [a-z]{{{count},{count + 20}}} \">\"");
        foreach (int length in (int[])[0, 1, count - 1, count, count + 1, count + 20, count + 21])
        {
            Assert.Equal(length >= count && length <= count + 20, GrammarText.Matches(grammar, $"<{new string('x', length)}>"));
        }

        Grammar least = Grammar.FromGbnf($"root ::= [a-z]{{{count},}}");
        Assert.Equal((false, true, true), (GrammarText.Matches(least, new string('x', count - 1)), GrammarText.Matches(least, new string('x', count)), GrammarText.Matches(least, new string('x', 1000))));
    }

    [Fact]
    public void SpecialTokensAreOneToken()
    {
        Grammar grammar = Grammar.FromGbnf("root ::= <think> [^<]* </think> \"x\"");
        Assert.True(GrammarText.Matches(grammar, "<think>hm</think>x", withTags: true));
        Assert.False(GrammarText.Begins(grammar, "<think>", withTags: false));
    }

    [Fact]
    public void ATokenThatTheVocabularyLacksIsItsText() =>
        Assert.True(GrammarText.Matches(Grammar.FromGbnf("root ::= <other> \"x\""), "<other>x"));

    [Theory]
    [InlineData("", "no rule 'root'")]
    [InlineData("a ::= \"x\"", "no rule 'root'")]
    [InlineData("root ::= a", "line 1, column 11: the rule 'a' is not defined")]
    [InlineData("root ::= \"x", "line 1, column 12: the line ends within a literal")]
    [InlineData("root ::= [a", "the line ends within a character class")]
    [InlineData("root ::= [b-a]", "the wrong way round")]
    [InlineData("root ::= (\"x\"", "')' is missing")]
    [InlineData("root ::= \"x\")", "')' does not belong here")]
    [InlineData("root = \"x\"", "'::=' is missing after the name 'root'")]
    [InlineData("root ::= \"x\"\nroot ::= \"y\"", "line 2, column 5: the rule 'root' is defined twice")]
    [InlineData("root ::= \"x\"{3,2}", "the wrong way round")]
    [InlineData("root ::= \"x\"{9999999}", "up to 1000000")]
    [InlineData("root ::= \"x\"{a}", "up to 1000000")]
    [InlineData("root ::= \"\\q\"", "'\\q' is not a known escape")]
    [InlineData("root ::= \"\\uD800\"", "4 hexadecimal digits of a character")]
    [InlineData("root ::= <think", "'>' is missing")]
    [InlineData("root ::= <[12]>", "named by its text")]
    [InlineData("::= \"x\"", "the name of a rule is expected")]
    public void Faults(string gbnf, string expected) =>
        Assert.Contains(expected, Assert.Throws<GrammarException>(() => Grammar.FromGbnf(gbnf)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("root ::= root \"a\" | \"b\"", "left-recursive")]
    [InlineData("root ::= a\na ::= b \"x\" | \"y\"\nb ::= [ ]* c\nc ::= a", "a -> b -> c -> a")]
    [InlineData("root ::= (\"x\"? root){2,90} | \"y\"", "left-recursive")]
    [InlineData("root ::= \"a\" root", "No text")]
    [InlineData("root ::= \"a\" b | \"c\" root\nb ::= \"d\" b", "No text")]
    public void GrammarsWithoutAnEnd(string gbnf, string expected) =>
        Assert.Contains(expected, Assert.Throws<GrammarException>(() => Grammar.FromGbnf(gbnf).CreateConstraint(GrammarText.Bytes)).Message, StringComparison.Ordinal);

    [Fact]
    public void GroupsMayNotBeNestedWithoutLimit()
    {
        Assert.Contains("nested", Assert.Throws<GrammarException>(() => Grammar.FromGbnf("root ::= " + new string('(', 100_000))).Message, StringComparison.Ordinal);
        Assert.True(GrammarText.Matches(Grammar.FromGbnf($"root ::= {new string('(', 90)}\"x\"{new string(')', 90)}"), "x"));
    }
}
