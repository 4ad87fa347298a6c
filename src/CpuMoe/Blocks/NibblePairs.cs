using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

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

    /// <summary>Sets the code of value <paramref name="index"/> where it is 0.</summary>
    public static void Set(byte* packed, int index, int code)
        => packed[(32 * (index / 64)) + (index % 32)] |= (byte)(code << (4 * (index / 32 % 2)));

    /// <summary>The 16 codes from value 16 * <paramref name="part"/> on; part is 0..15.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Load128(byte* packed, int part)
    {
        Vector128<ushort> pairs = Vector128.Load(packed + (32 * (part / 4)) + (16 * (part % 2))).AsUInt16();
        return (part % 4 < 2 ? pairs : pairs >>> 4).AsByte() & Vector128.Create((byte)15);
    }

    /// <summary>The 32 codes from value 32 * <paramref name="part"/> on; part is 0..7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Load256(byte* packed, int part)
    {
        Vector256<ushort> pairs = Vector256.Load(packed + (32 * (part / 2))).AsUInt16();
        return (part % 2 == 0 ? pairs : pairs >>> 4).AsByte() & Vector256.Create((byte)15);
    }

    /// <summary>The 64 codes from value 64 * <paramref name="part"/> on; part is 0..3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Load512(byte* packed, int part)
    {
        Vector512<uint> pairs = TwiceVector.Load(packed + (32 * part)).AsUInt32();
        Vector512<uint> shifts = Vector512.Create(0u, 0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 4, 4, 4);
        return Avx512F.ShiftRightLogicalVariable(pairs, shifts).AsByte() & Vector512.Create((byte)15);
    }

    /// <summary>
    /// The codes of sub-blocks of 32 values that lie in the same half of their bytes: of part 0..3 the sub-blocks 0 and 2,
    /// 1 and 3, 4 and 6, 5 and 7. One load serves two parts.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> LoadApart512(byte* packed, int part)
    {
        Vector512<ushort> pairs = Vector512.Load(packed + (64 * (part / 2))).AsUInt16();
        return (part % 2 == 0 ? pairs : pairs >>> 4).AsByte() & Vector512.Create((byte)15);
    }
}
