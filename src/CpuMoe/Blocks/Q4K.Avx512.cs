using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CpuMoe.Blocks;

internal readonly unsafe partial struct Q4K
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Codes512(byte* block, int part) => NibblePairs.Load512(block + Codes, part);
}
