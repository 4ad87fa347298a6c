using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q4_0
{
    /// <inheritdoc/>
    public static bool HasPairCodes => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> PairCodes512(Vector512<byte> blocks, int first, int second)
        => BlockPairs.Nibbles512(blocks, first + Codes, second + Codes);
}
