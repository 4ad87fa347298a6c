using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q5_1
{
    /// <inheritdoc/>
    public static int MaxCode => 31;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> BiasedCodes256(byte* block)
        => Nibbles.Load256(block + LowBits) | FifthBits.Load256(block + HighBits);
}
