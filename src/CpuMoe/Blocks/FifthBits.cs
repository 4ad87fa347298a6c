using System.Runtime.CompilerServices;

namespace CpuMoe.Blocks;

/// <summary>The 32-bit word in which Q5_0 and Q5_1 keep the fifth bits of their codes: bit i belongs to value i.</summary>
internal static unsafe class FifthBits
{
    /// <summary>The fifth bit of value <paramref name="index"/> in its place: 0 or 16.</summary>
    public static int At(byte* packed, int index) => (int)((Unsafe.ReadUnaligned<uint>(packed) >> index) & 1) << 4;
}
