using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>The codes of two neighbouring blocks of 32 values out of one vector that holds both blocks, for processors with VBMI.</summary>
/// <remarks>Blocks are shorter than 32 bytes and never aligned; taken one by one, each costs a load, an insertion and its unpacking.</remarks>
internal static class BlockPairs
{
    /// <summary>
    /// The codes of 4 bits that <see cref="Nibbles"/> describes, of the 16 bytes from <paramref name="first"/> on in the lower half
    /// and of those from <paramref name="second"/> on in the upper.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Nibbles512(Vector512<byte> blocks, int first, int second)
    {
        Vector512<byte> places = Vector512.Create(
            (byte)0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
            0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        Vector512<uint> pairs = Avx512Vbmi.PermuteVar64x8(blocks, places + Starts(first, second)).AsUInt32();
        Vector512<uint> shifts = Vector512.Create(0u, 0, 0, 0, 4, 4, 4, 4, 0, 0, 0, 0, 4, 4, 4, 4);
        return Avx512F.ShiftRightLogicalVariable(pairs, shifts).AsByte() & Vector512.Create((byte)15);
    }

    /// <summary>The fifth bits that <see cref="FifthBits"/> describes in their places, of the words from <paramref name="first"/> and <paramref name="second"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> FifthBits512(Vector512<byte> blocks, int first, int second)
    {
        Vector512<byte> places = Vector512.Create(0x0302_0100_0302_0100).AsByte();
        Vector512<byte> words = Avx512Vbmi.PermuteVar64x8(blocks, places + Starts(first, second));

        // Byte i becomes eight bits of the word from bit i - 4 on, so that bit i comes to its place.
        Vector512<byte> bits = Vector512.Create(
            0x0302_0100_3f3e_3d3c, 0x0b0a_0908_0706_0504, 0x1312_1110_0f0e_0d0c, 0x1b1a_1918_1716_1514,
            0x0302_0100_3f3e_3d3c, 0x0b0a_0908_0706_0504, 0x1312_1110_0f0e_0d0c, 0x1b1a_1918_1716_1514).AsByte();
        return Avx512Vbmi.MultiShift(bits, words.AsUInt64()) & Vector512.Create((byte)16);
    }

    /// <summary>One start in all places of the lower half, the other in all of the upper: made of what the compiler folds to a constant.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Starts(int first, int second)
        => Vector512.Create((byte)first) + (Vector512.Create(0ul, 0, 0, 0, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue).AsByte() & Vector512.Create((byte)(second - first)));
}
