using System.Buffers;
using System.Text;

namespace CpuMoe.Text;

/// <summary>GPT-2's mapping of bytes to printable code points, in which byte-level vocabularies are written.</summary>
/// <remarks>
/// 0x21-0x7E, 0xA1-0xAC and 0xAE-0xFF stand for themselves; the other 68 bytes, ascending, are U+0100, U+0101, ...
/// (so the space is U+0120, the line feed U+010A).
/// </remarks>
internal static class ByteLevelAlphabet
{
    private static readonly char[] Chars = MapBytes();
    private static readonly Dictionary<Rune, byte> Bytes = Enumerable.Range(0, 256).ToDictionary(b => new Rune(Chars[b]), b => (byte)b);

    /// <summary>The character that stands for a byte.</summary>
    internal static char CharOf(byte value) => Chars[value];

    /// <summary>Writes the bytes a token's text stands for; a character outside the alphabet is its own UTF-8.</summary>
    internal static void Decode(string text, ArrayBufferWriter<byte> destination)
    {
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (Bytes.TryGetValue(rune, out byte value))
            {
                destination.Write([value]);
            }
            else
            {
                destination.Advance(rune.EncodeToUtf8(destination.GetSpan(4)));
            }
        }
    }

    private static char[] MapBytes()
    {
        var chars = new char[256];
        char next = '\u0100';
        for (int b = 0; b < 256; b++)
        {
            bool printable = b is (>= 0x21 and <= 0x7E) or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            chars[b] = printable ? (char)b : next++;
        }

        return chars;
    }
}
