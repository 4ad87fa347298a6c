using System.Diagnostics;
using System.Text;
using CpuMoe.Text;
using CpuMoe.Text.PreTokenization;

namespace CpuMoe.Tests.Text;

public class MergingTests
{
    [Fact]
    public void TheFirstMergeOfTheListComesFirstThenTheLeftmost()
    {
        Tokenizer tokenizer = Tokenizers.ByteLevel("glm4", ["b c", "a b", "a a", "aa a", "ab bc"]);
        Assert.Equal("a bc", Tokens(tokenizer, "abc"));
        Assert.Equal("abbc", Tokens(tokenizer, "abbc"));
        Assert.Equal("aa aaa", Tokens(tokenizer, "aaaaa"));
    }

    [Fact]
    public void AgreesWithTheDefinition()
    {
        string[] merges = ["a b", "b a", "a a", "ab a", "aa aa", "ba ba", "aba b", "\u0120 a", "\u0120a b", "aa a"];
        Tokenizer tokenizer = Tokenizers.ByteLevel("glm4", merges);
        var random = new Random(5);
        for (int i = 0; i < 300; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 40)).Select(_ => "aaabb "[random.Next(6)]));
            Assert.Equal((text, Definition(text, merges)), (text, Tokens(tokenizer, text)));
        }
    }

    [Fact]
    public void LlamaTakesPiecesThatAreTokensWhateverTheMerges()
    {
        // "abc" can only be made of "ab" and "c", but "b c" comes first.
        string[] merges = ["b c", "a b", "ab c"];
        Assert.Equal("a bc", Tokens(Tokenizers.ByteLevel("glm4", merges), "abc"));
        Assert.Equal("abc", Tokens(Tokenizers.ByteLevel("llama-bpe", merges), "abc"));
    }

    [Fact]
    public void LlamaMakesNoControlTokenOfPlainText()
    {
        Tokenizer tokenizer = Tokenizers.ByteLevel("llama-bpe", ["a b"], ("end", TokenKind.Control));
        Assert.Equal("e n d", Tokens(tokenizer, "end"));
        Assert.Equal("end", string.Join(' ', tokenizer.Encode("end", parseSpecial: true).Select(tokenizer.Vocabulary.TextOf)));
    }

    [Fact]
    public void AWordOfAMillionLettersIsNoAttack()
    {
        string[] merges = ["a a", "aa aa", "aaaa aaaa"];
        var clock = Stopwatch.StartNew();
        int[] ids = Tokenizers.ByteLevel("glm4", merges).Encode(new string('a', 1_000_000), parseSpecial: false);
        Assert.Equal(125_000, ids.Length);
        Assert.True(clock.Elapsed < Tokenizers.Patience, $"{clock.Elapsed}");
    }

    private static string Tokens(Tokenizer tokenizer, string text)
        => string.Join(' ', tokenizer.Encode(text, parseSpecial: false).Select(tokenizer.Vocabulary.TextOf));

    /// <summary>Looks for the best pair again after every merge.</summary>
    private static string Definition(string text, string[] merges)
    {
        List<string> tokens = [];
        int start = 0;
        foreach (int end in PreTokenizer.Find("glm4")!.Split(text))
        {
            List<string> symbols = [.. Encoding.UTF8.GetBytes(text[start..end]).Select(b => ByteLevelAlphabet.CharOf(b).ToString())];
            while (true)
            {
                (int Rank, int At) best = Enumerable.Range(0, symbols.Count - 1)
                    .Select(i => (Rank: Array.IndexOf(merges, symbols[i] + " " + symbols[i + 1]), At: i))
                    .Where(pair => pair.Rank >= 0)
                    .DefaultIfEmpty((-1, -1))
                    .Min();
                if (best.Rank < 0)
                {
                    break;
                }

                symbols[best.At] += symbols[best.At + 1];
                symbols.RemoveAt(best.At + 1);
            }

            tokens.AddRange(symbols);
            start = end;
        }

        return string.Join(' ', tokens);
    }
}
