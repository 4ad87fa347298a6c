namespace CpuMoe.Blocks;

/// <summary>
/// The order of 2-bit fields in Q2_K, Q3_K and Q6_K: byte i of every 32 bytes holds the values i, i + 32, i + 64 and
/// i + 96 of 128 values, from the lowest bits up.
/// </summary>
internal static unsafe class TwoBitFields
{
    /// <summary>The 2-bit field of value <paramref name="index"/> (0..255) of the 64 bytes at <paramref name="packed"/>.</summary>
    public static int At(byte* packed, int index)
        => (packed[(32 * (index / 128)) + (index % 32)] >> (2 * (index % 128 / 32))) & 3;
}
