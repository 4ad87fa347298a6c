using System.Text;
using CpuMoe.Grammars;
using CpuMoe.Tests.Text;
using CpuMoe.Text;

namespace CpuMoe.Tests.Grammars;

/// <summary>Asks grammars about whole texts, byte by byte, and makes texts of them.</summary>
internal static class GrammarText
{
    /// <summary>A vocabulary of the 256 bytes and the tags of GLM.</summary>
    public static Tokenizer Bytes { get; } = Tokenizers.ByteLevel(
        "gpt-2",
        [],
        ("<think>", TokenKind.UserDefined), ("</think>", TokenKind.UserDefined), ("<tool_call>", TokenKind.UserDefined), ("</tool_call>", TokenKind.UserDefined),
        ("<arg_key>", TokenKind.UserDefined), ("</arg_key>", TokenKind.UserDefined), ("<arg_value>", TokenKind.UserDefined), ("</arg_value>", TokenKind.UserDefined),
        ("<|endoftext|>", TokenKind.Control), ("<|assistant|>", TokenKind.Control));

    /// <summary>Whether a text is one of the grammar; tags in it are special tokens.</summary>
    public static bool Matches(Grammar grammar, string text, bool withTags = false) =>
        Read(grammar, withTags ? Bytes.Encode(text, parseSpecial: true) : PlainTokens(text)) is { CanEnd: true };

    /// <summary>Whether a text is the beginning of one of the grammar.</summary>
    public static bool Begins(Grammar grammar, string text, bool withTags = false) =>
        Read(grammar, withTags ? Bytes.Encode(text, parseSpecial: true) : PlainTokens(text)) is not null;

    public static int[] PlainTokens(string text) =>
        [.. Encoding.UTF8.GetBytes(text).Select(value => Bytes.Vocabulary.Find(ByteLevelAlphabet.CharOf(value).ToString()))];

    public static GrammarConstraint? Read(Grammar grammar, IEnumerable<int> tokens)
    {
        GrammarConstraint constraint = grammar.CreateConstraint(Bytes);
        return tokens.All(constraint.Accept) ? constraint : null;
    }

    /// <summary>Writes a text of the grammar with random logits; null where it is not complete after some tokens.</summary>
    public static string? Write(Grammar grammar, Tokenizer tokenizer, Random random, int maxTokens)
    {
        GrammarConstraint constraint = grammar.CreateConstraint(tokenizer);
        List<int> tokens = [];
        while (!constraint.IsComplete)
        {
            if (tokens.Count == maxTokens)
            {
                return null;
            }

            int token = Choose(constraint, tokenizer.Vocabulary.Count, random);
            Assert.True(constraint.Accept(token));
            tokens.Add(token);
        }

        return tokenizer.Decode([.. tokens]);
    }

    /// <summary>The allowed token with the largest random logit.</summary>
    public static int Choose(GrammarConstraint constraint, int count, Random random)
    {
        var logits = new float[count];
        for (int i = 0; i < count; i++)
        {
            logits[i] = (float)random.NextDouble();
        }

        constraint.Allow(logits);
        int best = Array.IndexOf(logits, logits.Max());
        Assert.True(logits[best] >= 0);
        return best;
    }
}
