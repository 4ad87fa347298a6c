using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q5_1
{
    /// <inheritdoc/>
    public static bool HasPairCodes => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> PairCodes512(Vector512<byte> blocks, int first, int second)
        => BlockPairs.Nibbles512(blocks, first + LowBits, second + LowBits)
            | BlockPairs.FifthBits512(blocks, first + HighBits, second + HighBits);
}
