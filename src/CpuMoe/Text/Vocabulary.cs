using System.Collections.Frozen;
using CpuMoe.Gguf;

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
    /// <summary>Reads and checks the <c>tokenizer.ggml.*</c> keys.</summary>
    /// <exception cref="GgufFormatException">A key is missing or contradicts another one.</exception>
    public static Vocabulary FromGguf(GgufMetadata metadata) => throw new NotImplementedException();

    /// <summary>The number of tokens.</summary>
    public int Count => throw new NotImplementedException();

    /// <summary>The text of a token as stored (byte-mapped for byte-level BPE).</summary>
    public string TextOf(int id) => throw new NotImplementedException();

    /// <summary>The kind of a token.</summary>
    public TokenKind KindOf(int id) => throw new NotImplementedException();

    /// <summary>The id of a stored text, or -1.</summary>
    public int Find(string text) => throw new NotImplementedException();

    /// <summary>The beginning-of-sequence id, or -1.</summary>
    public int Bos => throw new NotImplementedException();

    /// <summary>Whether sequences start with <see cref="Bos"/> unless the text brings it.</summary>
    public bool AddBos => throw new NotImplementedException();

    /// <summary>Ids that end a generation (eos, eot, eom and their known texts).</summary>
    public FrozenSet<int> EndOfGeneration => throw new NotImplementedException();
}
