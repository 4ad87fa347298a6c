using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace CpuMoe.Serving;

/// <summary>A run of tokens whose keys and values are stored together, and the hash that names it.</summary>
/// <param name="First">The position of its first token.</param>
/// <param name="Hash">Of the model and of all tokens up to the end of the block: it stands for what the keys and values depend on.</param>
internal sealed record PromptBlock(int First, byte[] Hash)
{
    /// <summary>Tokens per block.</summary>
    public const int Length = 64;

    /// <summary>The name under which the block is stored.</summary>
    public string Name { get; } = Convert.ToHexStringLower(Hash);

    /// <summary>The whole blocks of a sequence, in order.</summary>
    /// <param name="identity">A hash of the model and of the form of the keys and values.</param>
    /// <param name="tokens">The sequence from its start.</param>
    public static List<PromptBlock> Of(byte[] identity, ReadOnlySpan<int> tokens)
    {
        List<PromptBlock> blocks = new(tokens.Length / Length);
        byte[] hash = identity;
        for (int first = 0; first + Length <= tokens.Length; first += Length)
        {
            hash = SHA256.HashData([.. hash, .. MemoryMarshal.AsBytes(tokens.Slice(first, Length))]);
            blocks.Add(new PromptBlock(first, hash));
        }

        return blocks;
    }
}
