using System.Collections.Frozen;
using CpuMoe.Gguf;
using CpuMoe.Text.PreTokenization;

namespace CpuMoe.Text;

/// <summary>What a token is for, with the numbers of <c>tokenizer.ggml.token_type</c>.</summary>
public enum TokenKind
{
    /// <summary>Ordinary text.</summary>
    Normal = 1,

    /// <summary>The unknown token.</summary>
    Unknown = 2,

    /// <summary>A control token: steers the model, is not part of the visible text.</summary>
    Control = 3,

    /// <summary>A token with a fixed literal text, part of the visible text.</summary>
    UserDefined = 4,

    /// <summary>An id without a token; never sampled.</summary>
    Unused = 5,

    /// <summary>A single byte (SentencePiece).</summary>
    Byte = 6,
}

/// <summary>The tokens of a model and the ids with a special role.</summary>
public sealed class Vocabulary
{
    // Texts that end a turn or a text in the known model families; the files do not name all of them as eos, eot or eom.
    // Early GLM conversions, for one, gave the id of <|endoftext|> as eot and had no eom.
    private static readonly string[] EndTexts =
    [
        "<|endoftext|>", "<|user|>", "<|observation|>",
        "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<end_of_turn>", "</s>", "<｜end▁of▁sentence｜>",
    ];

    private readonly string[] _texts;
    private readonly TokenKind[] _kinds;
    private readonly Dictionary<string, int> _ids;

    private Vocabulary(GgufMetadata metadata, string[] tokens)
    {
        _texts = tokens;
        _kinds = ReadKinds(metadata, tokens.Length);
        _ids = Index(metadata, tokens);
        Scores = metadata.GetSingles(TokenizerKeys.Scores);
        CheckLength(metadata, TokenizerKeys.Scores, Scores?.Length, tokens.Length);

        Bos = ReadId(TokenizerKeys.Bos);
        Unknown = ReadId(TokenizerKeys.Unknown);
        _ = ReadId(TokenizerKeys.Padding);
        AddBos = Bos >= 0 && metadata.GetBoolean(TokenizerKeys.AddBos, AddsBosByDefault(metadata));
        Eos = ReadId(TokenizerKeys.Eos);
        EndOfGeneration = new[] { Eos, ReadId(TokenizerKeys.Eot), ReadId(TokenizerKeys.Eom) }
            .Concat(EndTexts.Select(Find).Where(id => id >= 0 && _kinds[id] == TokenKind.Control))
            .Where(id => id >= 0)
            .ToFrozenSet();

        int ReadId(string key)
        {
            int id = metadata.GetInt32(key, -1);
            return id >= -1 && id < tokens.Length
                ? id
                : throw metadata.Fault(key, $"id {id} is not one of the {tokens.Length} tokens; the file is damaged, use another one");
        }
    }

    /// <summary>Reads and checks the <c>tokenizer.ggml.*</c> keys.</summary>
    /// <exception cref="GgufFormatException">A key is missing or contradicts another one.</exception>
    public static Vocabulary FromGguf(GgufMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        return metadata.GetStrings(TokenizerKeys.Tokens) is { Length: > 0 } tokens
            ? new Vocabulary(metadata, tokens)
            : throw metadata.Fault(TokenizerKeys.Tokens, "the token list is missing or empty; the file cannot be used for text");
    }

    /// <summary>The number of tokens.</summary>
    public int Count => _texts.Length;

    /// <summary>The text of a token as stored (byte-mapped for byte-level BPE).</summary>
    /// <exception cref="IndexOutOfRangeException">The id is not in [0, <see cref="Count"/>).</exception>
    public string TextOf(int id) => _texts[id];

    /// <summary>The kind of a token.</summary>
    /// <exception cref="IndexOutOfRangeException">The id is not in [0, <see cref="Count"/>).</exception>
    public TokenKind KindOf(int id) => _kinds[id];

    /// <summary>Whether the id stands for a token at all; the others must never be sampled.</summary>
    /// <exception cref="IndexOutOfRangeException">The id is not in [0, <see cref="Count"/>).</exception>
    public bool IsSampleable(int id) => _kinds[id] != TokenKind.Unused;

    /// <summary>The id of a stored text, or -1.</summary>
    public int Find(string text) => _ids.GetValueOrDefault(text, -1);

    /// <summary>The id of a stored text, or -1.</summary>
    public int Find(ReadOnlySpan<char> text)
        => _ids.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text, out int id) ? id : -1;

    /// <summary>The beginning-of-sequence id, or -1.</summary>
    public int Bos { get; }

    /// <summary>The end-of-sequence id, or -1.</summary>
    public int Eos { get; }

    /// <summary>Whether sequences start with <see cref="Bos"/> unless the text brings it.</summary>
    public bool AddBos { get; }

    /// <summary>Ids that end a generation (eos, eot, eom and their known texts).</summary>
    public FrozenSet<int> EndOfGeneration { get; }

    /// <summary>The id for what no token covers, or -1.</summary>
    internal int Unknown { get; }

    /// <summary>The score of each token (SentencePiece), or null.</summary>
    internal float[]? Scores { get; }

    private static TokenKind[] ReadKinds(GgufMetadata metadata, int count)
    {
        var kinds = new TokenKind[count];
        int[]? types = metadata.GetInt32s(TokenizerKeys.Kinds);
        CheckLength(metadata, TokenizerKeys.Kinds, types?.Length, count);
        for (int id = 0; id < count; id++)
        {
            kinds[id] = types is null ? TokenKind.Normal : (TokenKind)types[id];
            if (kinds[id] is < TokenKind.Normal or > TokenKind.Byte)
            {
                throw metadata.Fault(TokenizerKeys.Kinds, $"token {id} has type {(int)kinds[id]}, but the types are 1 to 6; the file is damaged or not supported");
            }
        }

        return kinds;
    }

    private static Dictionary<string, int> Index(GgufMetadata metadata, string[] tokens)
    {
        var ids = new Dictionary<string, int>(tokens.Length, StringComparer.Ordinal);
        for (int id = 0; id < tokens.Length; id++)
        {
            if (!ids.TryAdd(tokens[id], id))
            {
                throw metadata.Fault(TokenizerKeys.Tokens, $"tokens {ids[tokens[id]]} and {id} have the same text '{tokens[id]}'; the file is damaged, use another one");
            }
        }

        return ids;
    }

    private static void CheckLength(GgufMetadata metadata, string key, int? length, int count)
    {
        if (length is not null && length != count)
        {
            throw metadata.Fault(key, $"{length} entries for {count} tokens; the file is damaged, use another one");
        }
    }

    private static bool AddsBosByDefault(GgufMetadata metadata)
        => metadata.GetString(TokenizerKeys.Model) == TokenizerKeys.SentencePieceModel
            || (metadata.TryGetString(TokenizerKeys.PreTokenizer, out string? pre) && PreTokenizer.Find(pre) is { AddsBos: true });
}
