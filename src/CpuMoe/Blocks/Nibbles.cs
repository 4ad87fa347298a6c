namespace CpuMoe.Blocks;

/// <summary>
/// The order of 4-bit codes in the blocks of 32 values: byte j holds value j in its low half and value j + 16 in its
/// high half.
/// </summary>
internal static unsafe class Nibbles
{
    /// <summary>The 4-bit code of value <paramref name="index"/> (0..31) of the 16 bytes at <paramref name="packed"/>.</summary>
    public static int At(byte* packed, int index) => index < 16 ? packed[index] & 15 : packed[index - 16] >> 4;
}
