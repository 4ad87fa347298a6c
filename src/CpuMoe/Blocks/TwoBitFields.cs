using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

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

    /// <summary>Sets the field of value <paramref name="index"/> where it is 0.</summary>
    public static void Set(byte* packed, int index, int field)
        => packed[(32 * (index / 128)) + (index % 32)] |= (byte)(field << (2 * (index % 128 / 32)));

    /// <summary>The 16 fields from value 16 * <paramref name="part"/> on; part is 0..15.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Load128(byte* packed, int part)
    {
        Vector128<ushort> fields = Vector128.Load(packed + (32 * (part / 8)) + (16 * (part % 2))).AsUInt16();
        return (fields >>> (2 * (part % 8 / 2))).AsByte() & Vector128.Create((byte)3);
    }

    /// <summary>The 32 fields from value 32 * <paramref name="part"/> on; part is 0..7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Load256(byte* packed, int part)
    {
        Vector256<ushort> fields = Vector256.Load(packed + (32 * (part / 4))).AsUInt16();
        return (fields >>> (2 * (part % 4))).AsByte() & Vector256.Create((byte)3);
    }

    /// <summary>
    /// The 64 fields from value 64 * <paramref name="part"/> on, moved to <paramref name="toBit"/> of their bytes; part is 0..3.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Load512(byte* packed, int part, int toBit) => Load512(packed, part, toBit, Rotation512(part, toBit));

    /// <summary>As the other, with the value of <see cref="Rotation512"/> at hand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Load512(byte* packed, int part, int toBit, Vector512<uint> rotation)
    {
        // The fields of values 0-31 and 32-63 lie in the same bytes. A rotation moves them either way; what comes from
        // the neighbour byte falls to the mask.
        Vector512<uint> fields = TwiceVector.Load(packed + (32 * (part / 2))).AsUInt32();
        return Avx512F.RotateRightVariable(fields, rotation).AsByte() & Vector512.Create((byte)(3 << toBit));
    }

    /// <summary>By how many bits <see cref="Load512(byte*, int, int)"/> rotates to the right: a constant of the part and the bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Rotation512(int part, int toBit)
        => Vector512.Create((uint)((4 * (part % 2)) - toBit)) + Vector512.Create(0u, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2, 2);
}
