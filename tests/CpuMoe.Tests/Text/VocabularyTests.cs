using CpuMoe.Gguf;
using CpuMoe.Text;

namespace CpuMoe.Tests.Text;

public class VocabularyTests
{
    /// <summary>A whole and valid set of keys, with changes; a null value takes the key out.</summary>
    private static GgufMetadata Keys(params (string Key, object? Value)[] changes)
    {
        Dictionary<string, object?> keys = new()
        {
            ["model"] = "gpt2",
            ["pre"] = "glm4",
            ["tokens"] = new[] { "a", "b", "ab", "<|user|>", "<end>", "[PAD5]" },
            ["token_type"] = new[] { 1, 1, 1, 3, 3, 5 },
            ["merges"] = new[] { "a b" },
            ["bos_token_id"] = 4u,
            ["eos_token_id"] = 4u,
        };
        foreach ((string key, object? value) in changes)
        {
            keys[key] = value;
        }

        return Tokenizers.Metadata([.. keys.Where(entry => entry.Value is not null).Select(entry => ("tokenizer.ggml." + entry.Key, entry.Value!))]);
    }

    [Fact]
    public void ReadsWhatTheKeysSay()
    {
        Vocabulary vocabulary = Vocabulary.FromGguf(Keys());
        Assert.Equal(6, vocabulary.Count);
        Assert.Equal("ab", vocabulary.TextOf(2));
        Assert.Equal(2, vocabulary.Find("ab"));
        Assert.Equal(2, vocabulary.Find("xab".AsSpan(1)));
        Assert.Equal(-1, vocabulary.Find("abc"));
        Assert.Equal(TokenKind.Control, vocabulary.KindOf(3));
        Assert.Equal([true, true, true, true, true, false], Enumerable.Range(0, 6).Select(vocabulary.IsSampleable));
        Assert.Equal(4, vocabulary.Bos);
        Assert.Equal([3, 4], vocabulary.EndOfGeneration.Order());
    }

    [Fact]
    public void EndTextsCountOnlyAsControlTokens()
        => Assert.Equal([4], Vocabulary.FromGguf(Keys(("token_type", new[] { 1, 1, 1, 4, 3, 5 }))).EndOfGeneration);

    [Fact]
    public void EotAndEomEndAGeneration()
        => Assert.Equal([1, 2, 3, 4], Vocabulary.FromGguf(Keys(("eot_token_id", 1), ("eom_token_id", 2))).EndOfGeneration.Order());

    [Theory]
    [InlineData("glm4", null, false)]
    [InlineData("glm4", true, true)]
    [InlineData("llama-bpe", null, true)]
    [InlineData("llama-bpe", false, false)]
    public void AddBosFollowsTheKeyThenTheFamily(string pre, bool? key, bool expected)
        => Assert.Equal(expected, Vocabulary.FromGguf(Keys(("pre", pre), ("add_bos_token", key))).AddBos);

    [Fact]
    public void WithoutABosNoneIsAdded()
    {
        Vocabulary vocabulary = Vocabulary.FromGguf(Keys(("bos_token_id", null), ("add_bos_token", true)));
        Assert.Equal(-1, vocabulary.Bos);
        Assert.False(vocabulary.AddBos);
    }

    public static TheoryData<string, object?, string> Faults => new()
    {
        { "model", null, "missing" },
        { "model", "bert", "gpt2" },
        { "pre", null, "missing" },
        { "pre", "tekken", "chatglm-bpe" },
        { "tokens", null, "missing" },
        { "tokens", Array.Empty<string>(), "empty" },
        { "tokens", new[] { "a", "b", "ab", "<|user|>", "a", "[PAD5]" }, "tokens 0 and 4" },
        { "token_type", new[] { 1, 1, 1, 3, 3 }, "5 entries for 6 tokens" },
        { "token_type", new[] { 1, 1, 1, 3, 3, 7 }, "token 5 has type 7" },
        { "token_type", new[] { 1, 1, 1, 3, 0, 1 }, "token 4 has type 0" },
        { "scores", new[] { 1f }, "1 entries for 6 tokens" },
        { "merges", null, "missing" },
        { "merges", new[] { "a b", "ab c" }, "merge 1, 'ab c'" },
        { "merges", new[] { "c a" }, "merge 0" },
        { "merges", new[] { "b a" }, "merge 0" },
        { "merges", new[] { "ab" }, "merge 0" },
        { "merges", new[] { "" }, "merge 0" },
        { "bos_token_id", 6, "id 6" },
        { "eos_token_id", -2, "id -2" },
        { "eot_token_id", 1000u, "id 1000" },
        { "eom_token_id", 6UL, "id 6" },
        { "unknown_token_id", 6, "id 6" },
        { "padding_token_id", 6, "id 6" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void FaultsNameTheKeyAndTheProblem(string key, object? value, string problem)
    {
        var fault = Assert.Throws<GgufFormatException>(() => Tokenizer.FromGguf(Keys((key, value))));
        Assert.Equal("tokenizer.ggml." + key, fault.Field);
        Assert.Contains(problem, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("scores", null, "missing")]
    [InlineData("scores", float.NaN, "token 3")]
    [InlineData("tokens", "<0x4>", "byte token 3")]
    [InlineData("tokens", "<0xGG>", "byte token 3")]
    public void FaultsOfSentencePiece(string key, object? value, string problem)
    {
        object? changed = value switch
        {
            float score => new[] { 0f, 0f, -1f, score },
            string text => new[] { "<unk>", "a", "aa", text },
            _ => null,
        };
        GgufMetadata keys = Keys(
            ("model", "llama"), ("merges", null), ("tokens", new[] { "<unk>", "a", "aa", "<0x41>" }), ("token_type", new[] { 2, 1, 1, 6 }),
            ("scores", new[] { 0f, 0f, 0f, 0f }), ("unknown_token_id", 0), ("bos_token_id", 0), ("eos_token_id", 0), (key, changed));
        var fault = Assert.Throws<GgufFormatException>(() => Tokenizer.FromGguf(keys));
        Assert.Equal("tokenizer.ggml." + key, fault.Field);
        Assert.Contains(problem, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TypesMayBeAbsent()
        => Assert.Equal(TokenKind.Normal, Vocabulary.FromGguf(Keys(("token_type", null))).KindOf(5));
}
