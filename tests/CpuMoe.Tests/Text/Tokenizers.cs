using System.Text;
using CpuMoe.Gguf;
using CpuMoe.Testing;
using CpuMoe.Text;

namespace CpuMoe.Tests.Text;

/// <summary>The tokenizers the tests work on, each read once.</summary>
internal static class Tokenizers
{
    private static readonly Dictionary<string, Tokenizer> Read = [];

    /// <summary>
    /// The limit for a megabyte of hostile text. It takes a fraction of a second on a quiet machine; anything quadratic
    /// takes minutes on any machine, so the limit is wide enough for a busy one.
    /// </summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The tokenizer of the bundled model (glm4).</summary>
    internal static Tokenizer Demo => FromFile(TestData.DemoModel);

    /// <summary>The tokenizer of one of llama.cpp's vocabulary files; skips the test where it is absent.</summary>
    internal static Tokenizer Golden(string name)
    {
        string file = Path.Combine(GoldenFolder(), $"ggml-vocab-{name}.gguf");
        return FromFile(file);
    }

    internal static string GoldenFolder()
    {
        string? folder = TestData.SharedFolder("golden/vocab");
        Assert.SkipWhen(folder is null, "The vocabulary files are not on this machine.");
        return folder!;
    }

    /// <summary>A byte-level vocabulary: the 256 bytes, the merges' results, then the given special tokens.</summary>
    internal static Tokenizer ByteLevel(string pre, string[] merges, params (string Text, TokenKind Kind)[] special)
    {
        List<string> tokens = [.. Enumerable.Range(0, 256).Select(b => ByteLevelAlphabet.CharOf((byte)b).ToString())];
        tokens.AddRange(merges.Select(merge => merge.Remove(merge.IndexOf(' ', 1), 1)).Distinct());
        int[] kinds = [.. tokens.Select(_ => 1), .. special.Select(token => (int)token.Kind)];
        tokens.AddRange(special.Select(token => token.Text));
        return Tokenizer.FromGguf(Metadata(
            ("tokenizer.ggml.model", "gpt2"),
            ("tokenizer.ggml.pre", pre),
            ("tokenizer.ggml.tokens", tokens.ToArray()),
            ("tokenizer.ggml.token_type", kinds),
            ("tokenizer.ggml.merges", merges)));
    }

    internal static GgufMetadata Metadata(params (string Key, object Value)[] entries)
        => new(entries.Select(entry => new GgufEntry(entry.Key, entry.Value)));

    /// <summary>Random text of all kinds of code points, none of them a lone surrogate.</summary>
    internal static string RandomText(Random random, int length)
    {
        var text = new StringBuilder();
        for (int i = 0; i < length; i++)
        {
            text.Append(new Rune(random.Next(10) switch
            {
                0 => ' ',
                1 => random.Next(0x20),
                2 => random.Next(0x4E00, 0x9FA6),
                3 => random.Next(0x1F300, 0x1FA00),
                4 => random.Next(0x80, 0xD800),
                5 => random.Next(0xE000, 0x110000),
                6 => random.Next('0', '9' + 1),
                _ => random.Next('A', 'z' + 1),
            }).ToString());
        }

        return text.ToString();
    }

    private static Tokenizer FromFile(string path)
    {
        lock (Read)
        {
            if (!Read.TryGetValue(path, out Tokenizer? tokenizer))
            {
                using GgufFile file = GgufFile.Open(path);
                Read[path] = tokenizer = Tokenizer.FromGguf(file.Metadata);
            }

            return tokenizer;
        }
    }
}
