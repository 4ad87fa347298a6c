using System.Text;
using CpuMoe.Grammars;

namespace CpuMoe.Tests.Grammars;

public class CodePointSetTests
{
    private static readonly int[] Borders = [0, 1, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xCFFF, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x3FFFF, 0x40000, 0xFFFFF, 0x100000, 0x10FFFF];

    [Fact]
    public void RandomRangesMatchExactlyTheirCharacters()
    {
        Random random = new(3);
        for (int i = 0; i < 60; i++)
        {
            (int First, int Last)[] ranges = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Pick()).Select(first => (first, Math.Max(first, Pick())))];
            CodePointSet set = CodePointSet.Of(ranges);
            GrammarRules rules = new();
            Grammar grammar = new(rules, rules.Add("root", Utf8.OneOf(set)));
            Grammar complement = Of(set.Complement());
            foreach (int probe in Borders.Concat(ranges.SelectMany(range => (int[])[range.First - 1, range.First, range.Last, range.Last + 1])).Where(Rune.IsValid))
            {
                bool expected = ranges.Any(range => range.First <= probe && probe <= range.Last);
                string text = new Rune(probe).ToString();
                Assert.Equal((expected, expected, !expected), (set.Contains(probe), GrammarText.Matches(grammar, text), !set.Complement().IsEmpty && GrammarText.Matches(complement, text)));
            }
        }

        int Pick() => random.Next(2) == 0 ? Borders[random.Next(Borders.Length)] : random.Next(0x110000) is var any && Rune.IsValid(any) ? any : 'x';

        static Grammar Of(CodePointSet set)
        {
            GrammarRules rules = new();
            return new Grammar(rules, rules.Add("root", set.IsEmpty ? Expression.Literal("") : Utf8.OneOf(set)));
        }
    }

    [Fact]
    public void IllFormedBytesNeverMatch()
    {
        Grammar any = Grammar.FromGbnf("root ::= .*");
        Random random = new(4);
        UTF8Encoding strict = new(false, true);
        for (int i = 0; i < 3000; i++)
        {
            var bytes = new byte[random.Next(1, 5)];
            random.NextBytes(bytes);
            bool isValid = true;
            try
            {
                strict.GetString(bytes);
            }
            catch (DecoderFallbackException)
            {
                isValid = false;
            }

            int[] tokens = [.. bytes.Select(value => GrammarText.Bytes.Vocabulary.Find(CpuMoe.Text.ByteLevelAlphabet.CharOf(value).ToString()))];
            Assert.Equal(isValid, GrammarText.Read(any, tokens) is { CanEnd: true });
        }
    }
}
