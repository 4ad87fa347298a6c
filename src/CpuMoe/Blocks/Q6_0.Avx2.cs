using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q6_0
{
    /// <inheritdoc/>
    public static int MaxCode => 63;

    /// <inheritdoc/>
    public static int CodeBias => 32;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> BiasedCodes256(byte* block)
    {
        // The eight bytes of upper bits four times: for the values 0-7, 8-15, 16-23 and 24-31, whose bits begin at 0, 4, 2 and 6.
        Vector256<ulong> fields = Avx2.ShiftRightLogicalVariable(
            Vector256.Create(Unsafe.ReadUnaligned<ulong>(block + HighBits)), Vector256.Create(0ul, 4, 2, 6));
        Vector256<byte> high = Avx2.ShiftLeftLogical(fields & Vector256.Create(0x0303_0303_0303_0303ul), 4).AsByte();
        return Nibbles.Load256(block + LowBits) | high;
    }
}
