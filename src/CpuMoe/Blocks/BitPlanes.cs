using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>The order of the top bits of the codes in Q3_K and Q5_K: bit j of byte i of 32 bytes belongs to value 32 j + i.</summary>
internal static unsafe class BitPlanes
{
    /// <summary>The bit of value <paramref name="index"/> (0..255) of the 32 bytes at <paramref name="packed"/>: 0 or 1.</summary>
    public static int At(byte* packed, int index) => (packed[index % 32] >> (index / 32)) & 1;

    /// <summary>Sets the bit of value <paramref name="index"/> where it is 0.</summary>
    public static void Set(byte* packed, int index, int bit) => packed[index % 32] |= (byte)(bit << (index / 32));

    /// <summary>
    /// The 16 bits from value 16 * <paramref name="part"/> on, moved to <paramref name="toBit"/> of their bytes; part is 0..15.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Load128(byte* packed, int part, int toBit)
    {
        // As in Load256.
        Vector128<ushort> planes = Vector128.Load(packed + (16 * (part % 2))).AsUInt16();
        Vector128<ushort> moved = part / 2 >= toBit
            ? planes >>> ((part / 2) - toBit)
            : planes << (toBit - (part / 2));
        return moved.AsByte() & Vector128.Create((byte)(1 << toBit));
    }

    /// <summary>
    /// The 32 bits from value 32 * <paramref name="part"/> on, moved to <paramref name="toBit"/> of their bytes; part is 0..7.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Load256(byte* packed, int part, int toBit)
    {
        // What a shift brings in from the neighbour byte falls to the mask.
        Vector256<ushort> planes = Vector256.Load(packed).AsUInt16();
        Vector256<ushort> moved = part >= toBit
            ? planes >>> (part - toBit)
            : planes << (toBit - part);
        return moved.AsByte() & Vector256.Create((byte)(1 << toBit));
    }

    /// <summary>
    /// The 64 bits from value 64 * <paramref name="part"/> on, moved to <paramref name="toBit"/> of their bytes; part is 0..3.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Load512(byte* packed, int part, int toBit)
        => Moved(packed, Vector512.Create((uint)((2 * part) - toBit)) + Vector512.Create(0u, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1), toBit);

    /// <summary>
    /// As <see cref="Load512"/>, but in the order of <see cref="NibblePairs.LoadApart512"/>, with the value of
    /// <see cref="RotationApart512"/> at hand.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> LoadApart512(byte* packed, int toBit, Vector512<uint> rotation) => Moved(packed, rotation, toBit);

    /// <summary>By how many bits <see cref="LoadApart512"/> rotates to the right: a constant of the part and the bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> RotationApart512(int part, int toBit)
        => Vector512.Create((uint)((4 * (part / 2)) + (part % 2) - toBit)) + Vector512.Create(0u, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2, 2);

    /// <summary>As in Load256, with a rotation, which moves either way.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Moved(byte* packed, Vector512<uint> rotation, int toBit)
        => Avx512F.RotateRightVariable(TwiceVector.Load(packed).AsUInt32(), rotation).AsByte() & Vector512.Create((byte)(1 << toBit));
}
