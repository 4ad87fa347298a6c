using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct MXFP4
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes256(byte* block)
    {
        // In every 128-bit half the whole table.
        Vector256<sbyte> table = Vector256.Create(
            0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12,
            0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);
        return Avx2.Shuffle(table, Nibbles.Load256(block + Codes).AsSByte());
    }
}
