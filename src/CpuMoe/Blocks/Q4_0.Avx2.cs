using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q4_0
{
    /// <inheritdoc/>
    public static int MaxCode => 15;

    /// <inheritdoc/>
    public static int CodeBias => 8;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> BiasedCodes256(byte* block) => Nibbles.Load256(block + Codes);
}
