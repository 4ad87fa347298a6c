using System.Text.RegularExpressions;
using CpuMoe.Grammars;
using CpuMoe.Tests.Text;

namespace CpuMoe.Tests.Grammars;

public class RegexTests
{
    [Theory]
    [InlineData(@"[A-Z]{2}-\d{3,4}", "AB-123", "AB-12345", "ab-123", "AB-1234")]
    [InlineData(@"^(?:yes|no|(?<x>may)be)$", "yes", "no", "maybe", "may", "")]
    [InlineData(@"a|b|", "a", "b", "", "ab")]
    [InlineData(@"\w+@\w+\.(com|de)", "a_1@b.com", "a@b.fr", "@b.de")]
    [InlineData(@"[^\s,]+(?:,\s[^\s,]+)*", "a", "a, b, c", "a,b", "é🙂, x")]
    [InlineData(@"\u00e9\x41\t\\\.[\]\-\b]?", "éA\t\\.", "éA\t\\.]", "éA\t\\.-", "éA\t\\.\b", "éA\t\\x")]
    [InlineData(@".{2}", "ab", "é🙂", "a\n", "a")]
    [InlineData(@"[\d\-a]+?x??", "1-a", "x", "1x")]
    [InlineData(@"\p{Lu}\p{L}*\P{L}", "Été!", "été!", "A1", "Ab")]
    [InlineData(@"(a{0,2}){0,3}b", "b", "aaaaaab", "aaaaaaab")]
    [InlineData(@"[^]]", "x", "]")]
    public void AgreesWithDotNet(string pattern, params string[] texts)
    {
        // Both count UTF-16 units or code points alike in these texts but for the emoji, which .NET sees as two.
        Grammar grammar = Grammar.FromRegex(pattern.Replace("[^]]", "[^\\]]", StringComparison.Ordinal));
        Regex reference = new($"^(?:{pattern})$", RegexOptions.CultureInvariant);
        foreach (string text in texts)
        {
            bool expected = reference.IsMatch(text.Replace("🙂", "x", StringComparison.Ordinal));
            Assert.True(expected == GrammarText.Matches(grammar, text), text);
        }
    }

    [Theory]
    [InlineData(@"[a-z]{3,8}(?:-[0-9]+)?")]
    [InlineData(@"(?:[a-z]{1,9} ?){1,6}[.!?]")]
    [InlineData(@"[\p{L}é-ü🙂]{1,5}|\d+(?:\.\d{2})?")]
    public void WhatIsWrittenMatches(string pattern)
    {
        Grammar grammar = Grammar.FromRegex(pattern);
        Regex reference = new($"^(?:{pattern.Replace("🙂", "", StringComparison.Ordinal)})$");
        Random random = new(5);
        int complete = 0;
        for (int i = 0; i < 50; i++)
        {
            if (GrammarText.Write(grammar, Tokenizers.Demo, random, 100) is { } text)
            {
                complete++;

                // .NET's classes do not see letters beyond 16 bits.
                Assert.True(text.Any(char.IsSurrogate) || reference.IsMatch(text), text);
            }
        }

        Assert.True(complete > 25, $"{complete} were complete");
    }

    [Theory]
    [InlineData("(", "')' is missing")]
    [InlineData(")", "')' without a group")]
    [InlineData("[a", "the text ends too early")]
    [InlineData("a**", "two quantifiers")]
    [InlineData("*a", "nothing to repeat")]
    [InlineData("(?=a)", "look-around")]
    [InlineData("(?<!a)", "look-around")]
    [InlineData(@"(a)\1", "column 5: references")]
    [InlineData(@"a\b", "'\\b' is not supported")]
    [InlineData("a^b", "'^' is supported only at the beginning")]
    [InlineData("a$b", "'$' must stand at the end")]
    [InlineData("(a$)", "'$' is supported only at the end")]
    [InlineData("a{2,1}", "wrong way round")]
    [InlineData(@"a\", "ends after a backslash")]
    [InlineData(@"[z-a]", "wrong way round")]
    [InlineData(@"[\d-z]", "not characters")]
    [InlineData(@"\p{Foo}", "category 'Foo'")]
    public void Faults(string pattern, string expected) =>
        Assert.Contains(expected, Assert.Throws<GrammarException>(() => Grammar.FromRegex(pattern)).Message, StringComparison.Ordinal);

    [Fact]
    public void Choices()
    {
        Grammar grammar = Grammar.FromChoices("yes", "yes, please", "nö");
        Assert.Equal([true, true, true, false, false], ((string[])["yes", "yes, please", "nö", "no", "yes,"]).Select(text => GrammarText.Matches(grammar, text)));
        Assert.Throws<GrammarException>(() => Grammar.FromChoices());
    }
}
