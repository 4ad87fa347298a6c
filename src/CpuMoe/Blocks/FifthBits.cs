using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

/// <summary>The 32-bit word in which Q5_0 and Q5_1 keep the fifth bits of their codes: bit i belongs to value i.</summary>
internal static unsafe class FifthBits
{
    /// <summary>The fifth bit of value <paramref name="index"/> in its place: 0 or 16.</summary>
    public static int At(byte* packed, int index) => (int)((Unsafe.ReadUnaligned<uint>(packed) >> index) & 1) << 4;

    /// <summary>Sets the fifth bit of value <paramref name="index"/> to that of <paramref name="code"/> where it is 0.</summary>
    public static void Set(byte* packed, int index, int code) => packed[index / 8] |= (byte)((code >> 4) << (index % 8));

    /// <summary>The fifth bits of the 16 values from 16 * <paramref name="part"/> on in their places: 0 or 16; part is 0 or 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Load128(byte* packed, int part)
    {
        // As in Load256, for two bytes.
        Vector128<byte> spread = Vector128.Shuffle(
            Vector128.CreateScalarUnsafe((uint)Unsafe.ReadUnaligned<ushort>(packed + (2 * part))).AsByte(),
            Vector128.Create((byte)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
        Vector128<byte> bit = Vector128.Create(0x8040_2010_0804_0201).AsByte();
        return Vector128.Equals(spread & bit, bit) & Vector128.Create((byte)16);
    }

    /// <summary>The fifth bits of the 32 values in their places: 0 or 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Load256(byte* packed)
    {
        // Byte i / 8 of the word to place i, where a mask leaves bit i % 8; compared with the mask, the bit fills its place.
        Vector256<byte> spread = Avx2.Shuffle(
            Vector256.Create(Unsafe.ReadUnaligned<uint>(packed)).AsByte(),
            Vector256.Create((byte)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3));
        Vector256<byte> bit = Vector256.Create(0x8040_2010_0804_0201).AsByte();
        return Avx2.CompareEqual(spread & bit, bit) & Vector256.Create((byte)16);
    }
}
