using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>
/// The order of 4-bit codes in the blocks of 32 values: byte j holds value j in its low half and value j + 16 in its
/// high half.
/// </summary>
internal static unsafe class Nibbles
{
    /// <summary>The 4-bit code of value <paramref name="index"/> (0..31) of the 16 bytes at <paramref name="packed"/>.</summary>
    public static int At(byte* packed, int index) => index < 16 ? packed[index] & 15 : packed[index - 16] >> 4;

    /// <summary>Sets the code of value <paramref name="index"/> where it is 0.</summary>
    public static void Set(byte* packed, int index, int code) => packed[index % 16] |= (byte)(code << (4 * (index / 16)));

    /// <summary>The 16 codes from value 16 * <paramref name="part"/> on; part is 0 or 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Load128(byte* packed, int part)
    {
        Vector128<ushort> pairs = Vector128.Load(packed).AsUInt16();
        return (part == 0 ? pairs : pairs >>> 4).AsByte() & Vector128.Create((byte)15);
    }

    /// <summary>The 32 codes of 16 bytes, in order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Load256(byte* packed)
    {
        Vector256<ulong> pairs = Avx2.BroadcastVector128ToVector256((ulong*)packed);
        return Avx2.ShiftRightLogicalVariable(pairs, Vector256.Create(0ul, 0, 4, 4)).AsByte() & Vector256.Create((byte)15);
    }
}
