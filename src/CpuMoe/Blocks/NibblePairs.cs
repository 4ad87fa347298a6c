namespace CpuMoe.Blocks;

/// <summary>
/// The order of 4-bit codes in Q4_K and Q5_K: of every 64 values, byte i of 32 bytes holds value i in its low half and
/// value i + 32 in its high half.
/// </summary>
internal static unsafe class NibblePairs
{
    /// <summary>The 4-bit code of value <paramref name="index"/> (0..255) of the 128 bytes at <paramref name="packed"/>.</summary>
    public static int At(byte* packed, int index)
        => (packed[(32 * (index / 64)) + (index % 32)] >> (4 * (index / 32 % 2))) & 15;
}
