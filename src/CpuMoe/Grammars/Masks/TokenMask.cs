namespace CpuMoe.Grammars.Masks;

/// <summary>A set of token ids.</summary>
internal sealed class TokenMask(int vocabularySize)
{
    private readonly ulong[] _words = new ulong[(vocabularySize + 63) / 64];

    /// <summary>Adds a token.</summary>
    public void Add(int token) => _words[token >> 6] |= 1UL << (token & 63);

    /// <summary>Whether there is no token in the set.</summary>
    public bool IsEmpty => !_words.AsSpan().ContainsAnyExcept(0UL);

    /// <summary>Sets the logits of all other tokens to -infinity.</summary>
    public void Apply(Span<float> logits)
    {
        for (int i = 0; i < _words.Length; i++)
        {
            // Most words are all or nothing: few tokens go on with a number, most with a text.
            ulong forbidden = ~_words[i];
            Span<float> part = logits.Slice(i * 64, Math.Min(64, logits.Length - (i * 64)));
            if (forbidden == ulong.MaxValue)
            {
                part.Fill(float.NegativeInfinity);
                continue;
            }

            for (; forbidden != 0; forbidden &= forbidden - 1)
            {
                int bit = System.Numerics.BitOperations.TrailingZeroCount(forbidden);
                if (bit >= part.Length)
                {
                    break;
                }

                part[bit] = float.NegativeInfinity;
            }
        }
    }
}
